"""The embeddings that a training leaves in its bundle are those that its head was fitted to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rattle
from rattle import Detector, Machine, Manifest, Recipe
from rattle.bundle.known import MOST_CLIPS, Known
from rattle.bundle.schema import HeldOut
from rattle.detector import measure as module
from rattle.recipe.parts import LOSSES
from rattle.runtime.refit import averaged, refit
from rattle.scoring.head import Head

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
Fleet = dict[Machine, Detector]


def files(clips: Manifest, label: str) -> list[str]:
    return list(clips.of(FAN, split="test", label=label).table["path"])


def adapted(detector: Detector, clips: Manifest, data: Manifest | None) -> Detector:
    faults, healthy = files(clips, "anomaly"), files(clips, "normal")
    return rattle.adapt(detector, faults, normals=healthy, data=data, device="cpu")


# Every way a detector of the fan comes about.
WAYS: dict[str, Callable[[Detector, Fleet, Manifest], Detector]] = {
    "fit": lambda own, fleet, clips: own,
    "fit_fleet": lambda own, fleet, clips: fleet[FAN],
    "enrol": lambda own, fleet, clips: rattle.enrol(
        rattle.fit(clips.of(VALVE), VALVE, recipe=fleet[FAN].recipe, device="cpu"),
        clips.of(FAN),
        FAN,
        device="cpu",
    ),
    "adapt by replay": lambda own, fleet, clips: adapted(own, clips, None),
    "adapt by recordings": lambda own, fleet, clips: adapted(own, clips, clips),
    "adapt a fleet's": lambda own, fleet, clips: adapted(fleet[FAN], clips, None),
}


@pytest.fixture(scope="module", params=WAYS)
def made(
    request: pytest.FixtureRequest, detector: Detector, fleet: Fleet, clips: Manifest
) -> Detector:
    return WAYS[request.param](detector, fleet, clips)


def head_of(detector: Detector) -> Head:
    return Head.restored(detector.model.learnt()["head"], detector.recipe)


def as_stored(known: Known) -> dict[str, tuple[bytes, tuple[int, ...]]]:
    return {name: (z.tobytes(), z.shape) for name, z in known.arrays().items()}


def test_each_clip_is_kept_as_what_it_serves_as_under_its_name(
    made: Detector, clips: Manifest
) -> None:
    origin, known = made.info.provenance, made.known
    assert {clip.hash for clip in known.normals} == {*origin.trained}
    assert {clip.hash for clip in known.held_out} == {*origin.held_out}
    assert {clip.hash for clip in known.anomalies} == {*origin.anomalies}
    names = {clip.content_hash: Path(clip.path).name for clip in clips.of(FAN)}
    assert known.names() == {
        hash_: names[hash_] for hash_ in (*origin.trained, *origin.held_out, *origin.anomalies)
    }


def test_through_the_head_they_give_what_the_bundle_states_to_the_last_bit(made: Detector) -> None:
    parts = averaged(head_of(made), made.known.held_out)
    assert HeldOut.of_each(parts) == made.info.held_out


def test_they_are_what_the_detector_hears_in_the_clips(made: Detector, clips: Manifest) -> None:
    paths = {clip.content_hash: clip.path for clip in clips.of(FAN)}
    for known in (*made.known.held_out, *made.known.anomalies):
        z = made.embed(made.samples(paths[known.hash])).z
        # Of a bundle alone by its replay set, in half precision.
        np.testing.assert_allclose(known.z, z, rtol=0.02, atol=2e-3 * np.abs(z).max())


def is_fitted(made: Detector) -> bool:
    """Whether an encoder learnt on from labels, and the head was fitted to them on top of that."""
    return made.recipe.is_shared and bool(made.known.anomalies or made.info.silenced)


def test_a_later_head_sets_out_from_the_one_that_was_trained(made: Detector) -> None:
    learnt = made.model.learnt()["head"]
    assert {*made.known.start} == {"weight", "bias"}
    for name, value in made.known.start.items():
        assert np.array_equal(value, learnt[name]) != is_fitted(made)


def test_the_head_is_what_its_labels_make_of_the_trained_one_if_an_encoder_learnt_on(
    made: Detector,
) -> None:
    labels = made.known.anomalies or made.info.silenced
    info = made.info
    silenced, crossed = info.provenance.silenced, info.cross_fitted
    fitted = refit(head_of(made), made.known, made.recipe, info.alpha, silenced, crossed)
    learnt = made.model.learnt()["head"]["weight"]
    same = np.array_equal(fitted.head.arrays()["weight"], learnt)
    # The paper's own adaptation trains the head with the encoder, and leaves it so.
    assert same == (made.recipe.is_shared or not labels)


def test_fitted_anew_without_a_label_it_is_the_head_that_was_trained(made: Detector) -> None:
    """Where someone called clips normal there is a label: then d is measured from those too."""
    info = made.info
    labels_aside = Known(
        normals=made.known.normals,
        held_out=made.known.held_out,
        outliers=made.known.outliers,
        start=made.known.start,
    )
    fitted = refit(head_of(made), labels_aside, made.recipe, info.alpha, ())
    trained = {**made.model.learnt()["head"], **made.known.start}
    if is_fitted(made):
        del trained["centres"]  # the labelled ones come first among them
    for name, value in trained.items():
        np.testing.assert_array_equal(fitted.head.arrays()[name], value)
    assert fitted.mix.scale.low == pytest.approx(info.scale.low, rel=1e-6)
    assert fitted.mix.scale.high == pytest.approx(info.scale.high, rel=1e-6)


def test_a_saved_bundle_keeps_them(made: Detector, tmp_path: Path) -> None:
    made.save(tmp_path / "saved.rattle")
    known = Detector.load(tmp_path / "saved.rattle", device="cpu").known
    assert as_stored(known) == as_stored(made.known)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_keeps_what_its_head_has(loss: str, clips: Manifest, tiny_fleet: Recipe) -> None:
    recipe = tiny_fleet.for_method(loss).with_values(training={"iterations": 1})  # type: ignore[arg-type]
    made = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    assert {*made.known.start} == ({"weight", "bias"} if recipe.has_posterior else set())
    assert HeldOut.of_each(averaged(head_of(made), made.known.held_out)) == made.info.held_out


def test_a_baseline_keeps_none(clips: Manifest, tiny_recipe: Recipe) -> None:
    baseline = rattle.fit(clips, FAN, recipe=tiny_recipe.for_method("knn"), device="cpu")
    assert baseline.known.arrays() == {}


def test_no_more_clips_are_kept_than_a_bundle_may_hold(
    clips: Manifest, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.KNOWN_CLIPS == MOST_CLIPS
    monkeypatch.setattr(module, "KNOWN_CLIPS", 4)
    recipe = tiny_recipe.with_values(training={"iterations": 1})
    made = rattle.fit(clips, FAN, recipe=recipe, device="cpu")
    assert len(made.known.normals) == 4
    assert {clip.hash for clip in made.known.normals} < {*made.info.provenance.trained}
