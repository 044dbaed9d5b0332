"""Enrol: a further machine on an encoder that stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

import rattle
from rattle import DataError, Detector, Machine, Manifest, Recipe
from rattle.detector.enrol import EnrolJob

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture(scope="module")
def parent(clips: Manifest, tiny_fleet: Recipe) -> Detector:
    """A valve's detector, of a training that knew no fan."""
    return rattle.fit(clips.of(VALVE), VALVE, recipe=tiny_fleet, device="cpu")


@pytest.fixture(scope="module")
def enrolled(parent: Detector, clips: Manifest) -> Detector:
    return rattle.enrol(parent, clips.of(FAN), FAN, device="cpu")


def test_the_encoder_is_the_parents_and_the_head_is_not(
    parent: Detector, enrolled: Detector
) -> None:
    before, after = parent.model.learnt(), enrolled.model.learnt()
    for name, array in before["encoder"].items():
        np.testing.assert_array_equal(after["encoder"][name], array)
    assert not np.array_equal(before["head"]["weight"], after["head"]["weight"])
    assert enrolled.machine == FAN
    assert enrolled.info.amplitude != parent.info.amplitude


def test_it_knows_its_own_machine_from_the_others(enrolled: Detector, clips: Manifest) -> None:
    ours = [clip.posterior for clip in enrolled.score(_test(clips, FAN))]
    others = [clip.posterior for clip in enrolled.score(_test(clips, VALVE))]
    assert np.mean(ours) > 0.5 > np.mean(others)


def test_it_is_a_detector_like_any_other(
    enrolled: Detector, parent: Detector, clips: Manifest, tmp_path
) -> None:
    enrolled.save(tmp_path / "fan.rattle")
    loaded = Detector.load(tmp_path / "fan.rattle", device="cpu")
    assert loaded.verify() < 1e-6
    assert loaded.info.provenance.parent == parent.bundle().identity
    assert loaded.info.provenance.outliers.startswith("normal clips of synth_valve/id_00")
    adapted = rattle.adapt(loaded, _test(clips, FAN, "anomaly")[:1], device="cpu")
    assert adapted.machine == FAN


def test_a_graph_serves_the_new_machine_too(parent: Detector, clips: Manifest) -> None:
    exported = rattle.export(parent)
    enrolled = rattle.enrol(exported, clips.of(FAN), FAN, device="cpu")
    assert enrolled.graph == exported.graph


def test_the_same_clips_give_the_same_head(
    parent: Detector, enrolled: Detector, clips: Manifest
) -> None:
    again = rattle.enrol(parent, clips.of(FAN), FAN, device="cpu")
    for name, array in enrolled.model.learnt()["head"].items():
        np.testing.assert_array_equal(again.model.learnt()["head"][name], array)


@pytest.mark.parametrize("loss", ["bce", "dsad", "ddcsad", "bce+dsad"])
def test_every_loss_enrols(clips: Manifest, tiny_fleet: Recipe, loss) -> None:
    valve = rattle.fit(clips.of(VALVE), VALVE, recipe=tiny_fleet.for_method(loss), device="cpu")
    fan = rattle.enrol(valve, clips.of(FAN), FAN, device="cpu")
    assert all(np.isfinite(clip.score) for clip in fan.score(_test(clips, FAN)))


def test_an_encoder_of_one_machine_on_log_mels_enrols_too(
    detector: Detector, clips: Manifest
) -> None:
    valve = rattle.enrol(detector, clips, VALVE, device="cpu")
    assert valve.machine == VALVE
    assert valve.verify() < 1e-6


def test_a_machine_of_the_encoders_own_fleet_is_refused(fleet, clips: Manifest) -> None:
    with pytest.raises(DataError, match="is one of the machines that this encoder was trained"):
        rattle.enrol(fleet[VALVE], clips, FAN, device="cpu")


def test_it_learnt_from_all_that_its_hash_says(
    parent: Detector, enrolled: Detector, clips: Manifest
) -> None:
    other = rattle.enrol(parent, clips.of(FAN), FAN, outliers=clips.of(VALVE), device="cpu")
    assert other.info.provenance.data_hash != enrolled.info.provenance.data_hash


def test_a_baseline_is_refused(clips: Manifest, tiny_fleet: Recipe) -> None:
    baseline = rattle.fit(clips, VALVE, recipe=tiny_fleet.for_method("knn"), device="cpu")
    with pytest.raises(DataError, match="is a baseline"):
        rattle.enrol(baseline, clips, FAN, device="cpu")


def test_without_any_other_machine_it_is_refused(parent: Detector, clips: Manifest) -> None:
    empty = Detector(parent.info, parent.model, parent.golden)
    with pytest.raises(DataError, match="no sound of another machine"):
        rattle.enrol(empty, clips.of(FAN), FAN, device="cpu")


def test_a_job_knows_the_detector_it_gives(
    parent: Detector, enrolled: Detector, clips: Manifest
) -> None:
    job = EnrolJob(parent, clips.of(FAN), FAN, device="cpu")
    assert job.gives(enrolled.info)
    assert not EnrolJob(parent, clips.of(FAN), FAN, seed=1).gives(enrolled.info)


def _test(clips: Manifest, machine: Machine, label: str | None = None) -> list[str]:
    return list(clips.of(machine, split="test", label=label).table["path"])
