"""Export: a graph that scores alike, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rattle import BundleError, Detector, Manifest, Recipe, export, fit
from rattle.bundle import read_bundle
from rattle.clips.amplitude import Amplitude
from rattle.runtime.graph import Graph
from rattle.runtime.scorer import Scorer


def test_an_exported_bundle_holds_the_same_detector_and_a_graph(
    bundle_file: Path, exported_file: Path
) -> None:
    before, after = read_bundle(bundle_file), read_bundle(exported_file)
    assert before.graph is None
    assert after.graph is not None
    assert after.info == before.info
    assert after.identity == before.identity
    for part, arrays in before.learnt.items():
        for name, value in arrays.items():
            np.testing.assert_array_equal(after.learnt[part][name], value)


def test_one_encoder_gives_one_graph_whatever_machine_it_serves(
    detector: Detector, exported_file: Path
) -> None:
    """So that bundles of a shared encoder have one session between them."""
    head = replace(detector.model.head, bias=detector.model.head.bias + 1)
    other = replace(
        detector,
        model=replace(detector.model, head=head),
        info=detector.info.model_copy(update={"amplitude": Amplitude(0.1, 2.0), "golden": ()}),
        golden=(),
    )
    assert export(other).graph == read_bundle(exported_file).graph


def test_the_graph_names_no_file_of_the_machine_that_wrote_it(exported_file: Path) -> None:
    graph = read_bundle(exported_file).graph
    assert graph is not None
    assert b".py" not in graph
    assert str(Path(torch.__file__).parent).encode() not in graph


def test_the_graph_survives_loading_and_saving(exported_file: Path, tmp_path: Path) -> None:
    Detector.load(exported_file, device="cpu").save(tmp_path / "again.rattle")
    assert (tmp_path / "again.rattle").read_bytes() == exported_file.read_bytes()


@pytest.mark.parametrize("loss", ["bce", "ddcsad"])
def test_a_graph_gives_the_parts_that_its_loss_has(
    clips: Manifest, tiny_recipe: Recipe, loss: str
) -> None:
    recipe = tiny_recipe.with_values(loss={"name": loss})
    trained = export(fit(clips, "synth_fan/id_00", recipe=recipe, device="cpu"))
    assert trained.graph is not None
    scorer = Scorer(trained.info, trained.model.head, Graph(trained.graph))
    clip = np.random.default_rng(0).standard_normal(30_000, dtype=np.float32)
    (found,), (expected,) = scorer.score([clip]), trained.score([clip])
    assert found.score == pytest.approx(expected.score, rel=1e-4, abs=1e-4)
    assert (found.posterior is None) == (loss == "ddcsad")
    assert (found.distance is None) == (loss == "bce")


def test_a_graph_that_scores_otherwise_than_stated_is_refused(detector: Detector) -> None:
    moved = tuple(
        golden.model_copy(update={"score": golden.score + 0.001}) for golden in detector.info.golden
    )
    odd = replace(detector, info=detector.info.model_copy(update={"golden": moved}))
    with pytest.raises(BundleError, match=r"otherwise than the bundle states, by 0\.001"):
        export(odd)


def test_a_baseline_has_no_graph(clips: Manifest, tiny_recipe: Recipe) -> None:
    baseline = fit(clips, "synth_fan/id_00", recipe=tiny_recipe.for_method("knn"))
    with pytest.raises(BundleError, match=r"is a baseline \(knn\); only a network has a graph"):
        export(baseline)
