"""``rattle score LONG --timeline``: a CSV, a picture, and incidents in words."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from rattle.listening.state import write_state
from rattle.runtime import Scorer, Stream
from rattle.scoring.budget.ledger import Account, Ledger
from rattle.scoring.budget.rule import AlarmRule
from svg_picture import svg_file

RATE_HZ = 16000


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.wav"
    sound = np.random.default_rng(0).normal(0, 0.05, 70 * RATE_HZ)
    sound[30 * RATE_HZ : 31 * RATE_HZ] = 0
    sf.write(path, sound, RATE_HZ)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_timeline_is_a_csv_and_a_picture(
    rattle: Any, exported_file: Path, long: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shift.svg"
    code, told, _ = rattle("score", exported_file, long, "--timeline", out)
    assert code == 1  # some of it was silent
    assert svg_file(out).get("viewBox")
    scorer = Scorer.load(exported_file)
    expected = Stream(scorer).push(sf.read(long, dtype="float32")[0])
    found = rows(tmp_path / "shift.csv")
    assert len(found) == len(expected)
    for row, window in zip(found, expected, strict=True):
        assert float(row["start_s"]) == pytest.approx(window.start_s, abs=1e-3)
        assert bool(row["error"]) == (not row["score"])
        assert not row["score"] or float(row["score"]) == pytest.approx(window.score, abs=1e-4)
    assert {row["stage"] for row in found} == {"learning"}
    assert {row["watch_threshold"] for row in found} == {""}
    above = [float(row["statistic"] or "-inf") > scorer.threshold.value for row in found]
    assert any(above) == any(row["incident"] for row in found)
    assert "the threshold is that of clips" in told
    assert "until two hours of running were heard" in told
    assert "not scored: silent" in told


def test_what_was_learnt_by_listening_judges_it_and_stays_as_it_is(
    rattle: Any, exported_file: Path, long: Path, tmp_path: Path
) -> None:
    scorer = Scorer.load(exported_file)
    minutes = -50 + np.random.default_rng(0).gumbel(0, 1e-3, size=3000)
    ledger = Ledger(2.0, Account(minutes, heard=3000))
    ledger.refit()
    state = tmp_path / "state.json"
    write_state(
        state,
        ledger.account(),
        2.0,
        machine=scorer.info.machine,
        bundle=scorer.identity,
        rule=AlarmRule(2, 3),
    )
    before = state.read_bytes()
    words = ["--timeline", tmp_path / "out", "--state", state]
    told = rattle("score", exported_file, long, *words).out
    assert state.read_bytes() == before
    assert "1 incident (2 of 3 windows above the threshold)" in told
    assert "provisional: 2.1 days heard; alarm above -49.9" in told
    found = rows(tmp_path / "out.csv")
    assert {row["stage"] for row in found} == {"provisional"}
    assert {row["incident"] for row in found} >= {"1"}
    level = ledger.thresholds["alarm"].value
    assert all(float(row["alarm_threshold"]) == pytest.approx(level) for row in found)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["{long}", "--timeline", "out.png"], "expected a name that ends in .svg"),
        (["{long}", "--timeline", "out.svg", "--csv"], "--timeline writes its own CSV"),
        (["{long}", "--state", "state.json"], "give it alone, or with --state"),
        (["-", "--timeline", "out.svg"], "not of standard input"),
        (["{long}", "{long}", "--timeline", "out.svg"], "is of one recording"),
        (["{long}", "--timeline", "out.svg", "--state", "no.json"], "there is no file no.json"),
    ],
)
def test_what_has_no_timeline_is_refused_and_nothing_is_written(
    rattle: Any,
    exported_file: Path,
    long: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [word.format(long=long) for word in words]
    code, out, err = rattle("score", exported_file, *given)
    assert (code, out) == (2, "")
    assert reason in err
    assert not list(tmp_path.iterdir())


def test_a_recording_shorter_than_a_window_is_refused(
    rattle: Any, exported_file: Path, tmp_path: Path
) -> None:
    sf.write(tmp_path / "short.wav", np.zeros(RATE_HZ), RATE_HZ)
    words = ["--timeline", tmp_path / "out.svg"]
    code, _, err = rattle("score", exported_file, tmp_path / "short.wav", *words)
    assert code == 2
    assert "shorter than a window" in err
