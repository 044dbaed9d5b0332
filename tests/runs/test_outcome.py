"""Outcomes: what is written is read again, and scores follow equation 5 on the clips asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_up_outcomes import make_outcome
from rattle import Machine
from rattle.errors import DataError
from rattle.runs.outcome import Outcome, read_embeddings, write_embeddings

PAIRS = {"normal": [(3.0, 0.25), (1e3, 2 / 3)], "anomaly": [(-700.0, 1e-300), (0.1, 4.5)]}


def test_an_outcome_is_read_as_it_was_written_to_the_last_bit(tmp_path: Path) -> None:
    outcome = make_outcome(
        "press-3", **PAIRS, anomalies=1, drawn=("anomaly-1", "anomaly-0"), low=-0.1, high=1 / 3
    )
    file = tmp_path / "outcome.json"
    outcome.write(file)
    again = Outcome.read(file)
    assert again == outcome
    assert again.of == Machine("press-3", "")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    for scale in ("fixed", "paper"):
        for one, other in zip(again.scores(scale=scale), outcome.scores(scale=scale), strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "alpha"}),
        lambda text: json.dumps(json.loads(text) | {"method": "guess"}),
        lambda text: json.dumps(json.loads(text) | {"alpha": "NaN"}),
        lambda text: json.dumps(json.loads(text) | {"more": 1}),
    ],
)
def test_a_damaged_outcome_is_told_by_its_file_and_what_to_do(damage: Any, tmp_path: Path) -> None:
    file = tmp_path / "outcome.json"
    make_outcome(**PAIRS).write(file)
    file.write_text(damage(file.read_text()))
    with pytest.raises(DataError, match=rf"^{file} is not the outcome of a task .*; remove it"):
        Outcome.read(file)


def test_an_outcome_that_is_not_there_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the outcome of a task"):
        Outcome.read(tmp_path / "outcome.json")


@pytest.mark.parametrize("alpha", [None, 0.0, 0.3, 1.0])
def test_scores_are_equation_5_by_the_stored_scale_or_by_the_range(alpha: float | None) -> None:
    outcome = make_outcome(**PAIRS, alpha=0.7, low=0.5, high=2.5)
    weight = 0.7 if alpha is None else alpha
    gaps = np.array([1 / (1 + np.exp(3)), 0.0, 1.0, 1 / (1 + np.exp(0.1))])
    distances = np.array([0.25, 2 / 3, 0, 4.5])
    for scale, low, high in (("fixed", 0.5, 2.5), ("paper", 0, 4.5)):
        expected = weight * gaps + (1 - weight) * (distances - low) / (high - low)
        found = np.concatenate(outcome.scores(scale=scale, alpha=alpha))
        assert found == pytest.approx(expected)


def test_clips_left_out_are_not_in_the_papers_range_either() -> None:
    outcome = make_outcome(normal=[0, 1], anomaly=[2, 100, -50])
    normal, anomaly = outcome.scores(scale="paper", without={"anomaly-1", "anomaly-2"})
    assert normal.tolist() == [0, 0.5]
    assert anomaly.tolist() == [1]


def test_an_outcome_is_labelled_when_it_has_clips_of_both_classes() -> None:
    assert make_outcome(normal=[1], anomaly=[1]).is_labelled
    assert not make_outcome(normal=[1], anomaly=[]).is_labelled
    assert not make_outcome(normal=[], anomaly=[1]).is_labelled


def test_embeddings_are_read_in_half_precision(tmp_path: Path) -> None:
    embeddings = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    file = tmp_path / "embeddings.safetensors"
    write_embeddings(file, embeddings)
    found = read_embeddings(file)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, embeddings, rtol=2**-11)


def test_a_baseline_has_no_embeddings_and_damaged_ones_are_told(tmp_path: Path) -> None:
    file = tmp_path / "embeddings.safetensors"
    assert read_embeddings(file) is None
    write_embeddings(file, np.zeros((5, 7), np.float32))
    file.write_bytes(file.read_bytes()[:30])
    with pytest.raises(DataError, match=rf"^{file} holds no embeddings"):
        read_embeddings(file)
