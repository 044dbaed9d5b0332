"""Cross-fitting: every normal is scored by a model that did not learn from it, and counts."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import rattle
from rattle import Detector, Machine, Manifest, Recipe
from rattle.clips.layouts import load_manifest
from rattle.detector.finish import make
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Watch
from rattle.errors import Interrupted, TrainingError
from rattle.learning.data import split_normals
from rattle.learning.train import Step
from rattle.runs.write import run_in_folder
from what_was_learnt import weights_in

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
Fleet = dict[Machine, Detector]


@pytest.fixture(scope="module")
def job(clips: Manifest, tiny_fleet: Recipe) -> FleetJob:
    return FleetJob(clips, (FAN, VALVE), tiny_fleet, device="cpu")


def shares(clips: Manifest, recipe: Recipe) -> list[set[str]]:
    splits = [split_normals(clips, FAN, recipe, seed=3, share=n) for n in range(5)]
    return [{*split.part(split.held_out).hashes()} for split in splits]


# Who scores whom


def test_every_normal_is_in_one_share(clips: Manifest, tiny_fleet: Recipe) -> None:
    held_out = shares(clips, tiny_fleet)
    counted = Counter(hash_ for share in held_out for hash_ in share)
    normals = clips.of(FAN, split="train", label="normal").hashes()
    assert counted == Counter({*normals})


def test_what_a_share_holds_out_is_not_trained_on(clips: Manifest, tiny_fleet: Recipe) -> None:
    for share in range(5):
        split = split_normals(clips, FAN, tiny_fleet, seed=3, share=share)
        both = np.concatenate([split.trained, split.held_out])
        assert sorted(both) == list(range(len(split.normals)))


def test_a_recording_that_is_there_twice_counts_once(
    factory: Path,
    tiny_fleet: Recipe,
    fleet: Fleet,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In another file format too: then it has another content, and the same sound."""
    shutil.copytree(factory / "dev_data", tmp_path / "dev_data")
    for file in sorted((tmp_path / "dev_data" / "synth_fan" / "train").iterdir()):
        samples, rate_hz = sf.read(file, dtype="int16")
        copy = file.with_name(file.name.replace("id_00_0", "id_00_9")).with_suffix(".flac")
        sf.write(copy, samples, rate_hz)
    detectors = rattle.fit_fleet(load_manifest(tmp_path), recipe=tiny_fleet, device="cpu")
    assert detectors[FAN].threshold.clips == fleet[FAN].threshold.clips
    assert detectors[FAN].info.provenance.trained == fleet[FAN].info.provenance.trained
    assert "12 of 36 clips are left out: " in caplog.text
    assert "_90000000.flac (a copy of normal_id_00_00000000.wav)" in caplog.text


def test_all_normals_make_the_threshold_each_once(fleet: Fleet) -> None:
    for detector in fleet.values():
        info = detector.info
        assert len(info.cross_fitted) == len(info.provenance.trained)
        assert {clip.clip for clip in info.cross_fitted} == {*info.provenance.trained}
        assert detector.threshold.clips == len(info.cross_fitted) + len(info.held_out)


def test_a_sibling_is_the_training_that_holds_that_share_out(job: FleetJob, fleet: Fleet) -> None:
    turn = 2
    sibling = next(d for d in make(job.siblings[turn - 1]) if d.machine == FAN)
    info, own = fleet[FAN].info, sibling.info
    assert not {*own.provenance.held_out} & {*own.provenance.trained}
    said = {clip.clip: clip for clip in info.cross_fitted}
    for hash_, clip in zip(own.provenance.held_out, own.held_out, strict=True):
        assert said[hash_].gap == clip.gap
        scaled = own.scale(np.array(clip.distance))
        assert info.scale(np.array(said[hash_].distance)) == pytest.approx(scaled)


def test_the_detector_is_the_one_that_it_would_be_without_siblings(
    job: FleetJob, fleet: Fleet
) -> None:
    alone = replace(job, asked=job.asked.with_values(training={"cross_fit": False}))
    for detector in make(alone):
        crossed = fleet[detector.machine]
        assert not detector.info.cross_fitted
        for member, arrays in detector.model.learnt().items():
            for name, array in arrays.items():
                assert np.array_equal(array, crossed.model.learnt()[member][name]), name
        assert detector.info.held_out == crossed.info.held_out
        assert detector.info.scale == crossed.info.scale


# On the way


def told(job: FleetJob, out: Path, stop_at: tuple[int, int] | None = None) -> Counter[int]:
    """Run the job in a folder and count the steps of each sibling; those of the detector are 0."""
    steps: Counter[int] = Counter()
    seen: list[tuple[int, int]] = []

    def on_sibling_step(turn: int, step: Step) -> None:
        steps[turn] += 1
        seen.append((turn, step.iteration))

    watch = Watch(
        on_step=lambda _: steps.update([0]),
        on_sibling_step=on_sibling_step,
        stop_requested=lambda: stop_at is not None and stop_at in seen,
    )
    run_in_folder(job, out, resume=True, watch=watch)
    return steps


def test_an_interrupted_sibling_goes_on_to_the_same_bundle(job: FleetJob, tmp_path: Path) -> None:
    iterations = job.recipe.training.iterations
    whole = told(job, tmp_path / "whole")
    assert whole == Counter(dict.fromkeys(range(5), iterations))
    with pytest.raises(Interrupted):
        told(job, tmp_path / "cut", stop_at=(2, 3))
    rest = told(job, tmp_path / "cut")
    assert rest == Counter({0: iterations, 2: iterations - 3, 3: iterations, 4: iterations})
    for machine in (FAN, VALVE):
        one, other = (tmp_path / name / f"{machine.slug}.rattle" for name in ("whole", "cut"))
        assert weights_in(one) == weights_in(other)
        assert Detector.load(one).info.cross_fitted == Detector.load(other).info.cross_fitted
    assert not list((tmp_path / "cut").rglob("sibling-*"))


def test_a_checkpoint_of_another_training_is_refused_before_any_sibling(
    job: FleetJob, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        told(replace(job, seed=1), tmp_path, stop_at=(1, 1))
    folder = next(tmp_path.rglob("sibling-1.safetensors"))
    folder.rename(folder.with_name("checkpoint.safetensors"))
    steps: Counter[int] = Counter()
    watch = Watch(on_sibling_step=lambda turn, _: steps.update([turn]))
    with pytest.raises(TrainingError, match="another recipe, seed or set of clips"):
        run_in_folder(job, tmp_path, resume=True, watch=watch)
    assert not steps


# What becomes of them


@pytest.mark.parametrize("head", [True, False])
def test_adapting_carries_them_over_but_for_what_turned_out_to_be_a_fault(
    fleet: Fleet, clips: Manifest, head: bool
) -> None:
    detector = fleet[FAN]
    wrong = next(
        clip for clip in clips.of(FAN) if clip.content_hash == detector.info.provenance.trained[0]
    )
    faults = [clip.path for clip in clips.of(FAN, split="test", label="anomaly")]
    adapted = rattle.adapt(detector, [wrong.path, *faults], data=clips, head=head)
    before = {clip.clip for clip in detector.info.cross_fitted}
    after = {clip.clip for clip in adapted.info.cross_fitted}
    assert after == before - {wrong.content_hash}
    assert adapted.threshold.clips == detector.threshold.clips - 1


def test_a_machine_that_joins_has_its_normals_cross_fitted_by_heads(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    parent = rattle.fit(clips.of(VALVE), VALVE, recipe=tiny_fleet)
    enrolled = rattle.enrol(parent, clips, FAN)
    info = enrolled.info
    assert {clip.clip for clip in info.cross_fitted} == {*info.provenance.trained}
