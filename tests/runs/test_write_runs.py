"""Run folders: what they hold, and that no interruption changes what is learned."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from rattle import Detector, Machine, Manifest, Recipe, StorageError, TrainingError
from rattle.clips.layouts import load_manifest
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import NO_WATCH
from rattle.detector.job import Recordings, Watch
from rattle.detector.own import OwnJob
from rattle.errors import ClipError, DataError, Interrupted
from rattle.learning.train import Step
from rattle.locked import locked
from rattle.runs.folder import refuse_twins
from rattle.runs.write import MissingRecordings, recordings_of, run_in_folder
from what_was_learnt import weights_in

FAN = Machine("synth_fan", "id_00")
VALVE = Machine("synth_valve", "id_00")
RUN = "synth_fan_id_00"
Job = TypeVar("Job", OwnJob, AdaptJob)


@pytest.fixture
def job(clips: Manifest, tiny_recipe: Recipe) -> OwnJob:
    return OwnJob(clips, FAN, tiny_recipe, device="cpu")


@pytest.fixture
def adapt_job(detector: Detector, clips: Manifest) -> AdaptJob:
    """The three anomalies and the three new normals; the recordings at hand."""
    new = {label: clips.of(FAN, split="test", label=label) for label in ("anomaly", "normal")}
    known = Recordings(clips.of(split="train"))
    return AdaptJob(detector, new["anomaly"], new["normal"], known, device="cpu")


def stopped_after(iteration: int) -> Watch:
    """Asks a job to stop after that iteration."""
    done: list[int] = []
    return Watch(
        on_step=lambda step: done.append(step.iteration),
        stop_requested=lambda: bool(done) and done[-1] >= iteration,
    )


def bundle_of(job: OwnJob | AdaptJob, out: Path, *, resume: bool, watch: Watch = NO_WATCH) -> Path:
    """Carry out a job of one machine in its run folder, and give the bundle."""
    ((machine, bundle),) = run_in_folder(job, out, resume=resume, watch=watch).items()
    assert machine == FAN
    return bundle


def iterations(folder: Path) -> list[int]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["iteration"] for line in lines]


def test_a_run_folder_tells_what_was_given_and_how_it_went(job: OwnJob, tmp_path: Path) -> None:
    bundle = bundle_of(job, tmp_path, resume=False)
    folder = tmp_path / RUN
    assert bundle == tmp_path / f"{RUN}.rattle"
    assert Detector.load(bundle).machine == FAN
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN, f"{RUN}.rattle"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "clips.csv",
        "environment.json",
        "metrics.jsonl",
        "recipe.toml",
    ]
    assert Recipe.load(folder / "recipe.toml") == job.recipe
    assert len((folder / "clips.csv").read_text().splitlines()) == 1 + len(job.clips)
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["machine"] == "synth_fan/id_00"
    assert environment["seed"] == 0
    assert environment["threads"] == torch.get_num_threads()


def test_metrics_hold_a_line_an_iteration_as_it_was_reported(job: OwnJob, tmp_path: Path) -> None:
    steps: list[Step] = []
    run_in_folder(job, tmp_path, resume=False, watch=Watch(on_step=steps.append))
    lines = (tmp_path / RUN / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [dataclasses.asdict(step) for step in steps]
    assert iterations(tmp_path / RUN) == list(range(1, 7))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_in_which_another_process_trains_is_refused(
    job: OwnJob, tmp_path: Path, resume: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rattle.locked.PATIENCE_S", 0.1)
    with locked(tmp_path / RUN, "a training"):
        with pytest.raises(StorageError, match=f"{RUN}: a training goes on there already, by proc"):
            run_in_folder(job, tmp_path, resume=resume)
        assert [path.name for path in tmp_path.iterdir()] == [f".{RUN}.lock"]
    assert bundle_of(job, tmp_path, resume=resume).exists()


def test_machines_whose_bundles_would_have_one_name_are_refused() -> None:
    for names in (("a/b_c", "a_b/c"), ("Fan/id_00", "fan/ID_00")):
        first, second = map(Machine.parse, names)
        with pytest.raises(TrainingError) as refused:
            refuse_twins([Machine("valve", "x"), first, second])
        assert f"the bundles of {first} and {second} would have the same name" in str(refused.value)
    refuse_twins([Machine.parse(name) for name in ("fan/a b", "fan/a-b", "fan/a_b", "fan/a b")])


def test_an_existing_run_is_refused_without_resume(job: OwnJob, tmp_path: Path) -> None:
    run_in_folder(job, tmp_path, resume=False)
    with pytest.raises(TrainingError, match=r"already holds a run \(synth_fan_id_00\)") as told:
        run_in_folder(job, tmp_path, resume=False)
    assert told.value.arguments == ("resume", "out")


def test_resuming_a_finished_run_leaves_it_as_it_is(job: OwnJob, tmp_path: Path) -> None:
    bundle = bundle_of(job, tmp_path, resume=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    steps: list[Step] = []
    watch = Watch(on_step=steps.append)
    fewer = dataclasses.replace(job, clips=Manifest(job.clips.table[1:]))
    for again in (job, fewer):
        assert bundle_of(again, tmp_path, resume=True, watch=watch) == bundle
    for other in (
        dataclasses.replace(job, seed=5),
        dataclasses.replace(job, recipe=job.recipe.for_method("dsad")),
    ):
        with pytest.raises(TrainingError, match="of another recipe, method or seed") as told:
            run_in_folder(other, tmp_path, resume=True, watch=watch)
        assert told.value.arguments == ("out",)
    assert steps == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_resuming_tidies_up_after_a_run_that_was_killed_once_its_bundle_was_there(
    job: OwnJob, tmp_path: Path
) -> None:
    bundle_of(job, tmp_path, resume=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for left in (f".{RUN}.lock", f"{RUN}/checkpoint.safetensors", f"{RUN}/sibling-1.safetensors"):
        (tmp_path / left).write_bytes(b"left behind")
    bundle_of(job, tmp_path, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_refused_training_leaves_no_run_behind(job: OwnJob, tmp_path: Path) -> None:
    refused = dataclasses.replace(job, machine=Machine("synth_fan", "id_09"))
    with pytest.raises(DataError, match="no clip of machine"):
        run_in_folder(refused, tmp_path, resume=False)
    gone = [dataclasses.replace(clip, path=f"{clip.path}.gone") for clip in job.clips]
    other = job.recipe.with_values(audio={"sample_rate_hz": 15000})  # nothing stored to fall on
    unreadable = dataclasses.replace(job, clips=Manifest.from_clips(gone), recipe=other)
    with pytest.raises(ClipError, match="there is no such file"):
        run_in_folder(unreadable, tmp_path, resume=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("iteration", [1, 3, 5, 6])
def test_a_stopped_run_goes_on_to_the_same_weights(
    iteration: int, job: OwnJob, bundle_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run_in_folder(job, tmp_path, resume=False, watch=stopped_after(iteration))
    assert iterations(tmp_path / RUN) == list(range(1, iteration + 1))
    assert (tmp_path / RUN / "checkpoint.safetensors").exists()
    assert not (tmp_path / f"{RUN}.rattle").exists()

    steps: list[Step] = []
    bundle = bundle_of(job, tmp_path, resume=True, watch=Watch(on_step=steps.append))
    assert weights_in(bundle) == weights_in(bundle_file)
    assert Detector.load(bundle).info.golden == Detector.load(bundle_file).info.golden
    assert [step.iteration for step in steps] == list(range(iteration + 1, 7))
    assert iterations(tmp_path / RUN) == list(range(1, 7))
    assert not (tmp_path / RUN / "checkpoint.safetensors").exists()


def test_iterations_after_the_checkpoint_stand_once_in_the_metrics(
    job: OwnJob, bundle_file: Path, tmp_path: Path
) -> None:
    """As after a kill: metrics run ahead of the checkpoint and end within a line."""
    with pytest.raises(Interrupted):
        run_in_folder(job, tmp_path, resume=False, watch=stopped_after(3))
    with (tmp_path / RUN / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 4, "loss": 99}\n{"iteration": 5, "lo')
    bundle = bundle_of(job, tmp_path, resume=True)
    assert iterations(tmp_path / RUN) == list(range(1, 7))
    assert "99" not in (tmp_path / RUN / "metrics.jsonl").read_text().split()
    assert weights_in(bundle) == weights_in(bundle_file)


def test_another_recipe_cannot_go_on_with_a_run_and_leaves_it_as_it_is(
    job: OwnJob, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run_in_folder(job, tmp_path, resume=False, watch=stopped_after(3))
    before = {path: path.read_bytes() for path in (tmp_path / RUN).iterdir()}
    for other in (
        dataclasses.replace(job, seed=1),
        dataclasses.replace(job, recipe=job.recipe.with_values(loss={"metric_weight": 0.5})),
    ):
        with pytest.raises(TrainingError, match="of another recipe, seed or set of clips"):
            run_in_folder(other, tmp_path, resume=True)
    assert {path: path.read_bytes() for path in (tmp_path / RUN).iterdir()} == before


def test_a_damaged_checkpoint_is_refused(job: OwnJob, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_in_folder(job, tmp_path, resume=False, watch=stopped_after(3))
    checkpoint = tmp_path / RUN / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    with pytest.raises(TrainingError, match="cannot be read"):
        run_in_folder(job, tmp_path, resume=True)


def test_a_killed_process_resumes_to_the_weights_of_an_uninterrupted_one(
    clips: Manifest, factory: Path, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    longer = tiny_recipe.with_values(training={"iterations": 60})
    always_saving = longer.with_values(training={"checkpoint_seconds": 0})
    recipe = tmp_path / "always-saving.toml"
    recipe.write_text(always_saving.to_toml())
    out = tmp_path / "killed"
    checkpoint, metrics = (out / RUN / name for name in ("checkpoint.safetensors", "metrics.jsonl"))
    command = ["train", factory, "--machine", FAN, "--recipe", recipe, "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-c", "from rattle.cli import main; main()", *map(str, command)],
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.002)
    process.kill()
    said, _ = process.communicate()
    assert process.returncode == -9, said.decode()
    assert checkpoint.exists()
    assert not (out / f"{RUN}.rattle").exists()
    assert 1 <= len(metrics.read_text().splitlines()) < 60

    steps: list[Step] = []
    job = OwnJob(clips, FAN, always_saving, device="cpu")
    resumed = bundle_of(job, out, resume=True, watch=Watch(on_step=steps.append))
    assert steps[0].iteration > 1
    whole = bundle_of(dataclasses.replace(job, recipe=longer), tmp_path / "whole", resume=False)
    assert weights_in(resumed) == weights_in(whole)
    assert iterations(out / RUN) == list(range(1, 61))


# Adaptations


def test_an_adaptations_folder_lists_what_it_learnt_from(
    adapt_job: AdaptJob, tmp_path: Path
) -> None:
    run_in_folder(adapt_job, tmp_path, resume=False)
    assert iterations(tmp_path / RUN) == [1, 2, 3]
    listed = Manifest.read_csv(tmp_path / RUN / "clips.csv")
    assert len(listed.of(FAN)) == 12 + 6
    assert len(listed.of(FAN, split="train", label="anomaly")) == 3
    assert len(listed.of(VALVE)) == 12
    assert not (tmp_path / RUN / "outliers.csv").exists()


def test_an_adaptation_by_replay_alone_lists_no_recordings(
    adapt_job: AdaptJob, tmp_path: Path
) -> None:
    job = dataclasses.replace(adapt_job, recordings=None)
    bundle = bundle_of(job, tmp_path, resume=False)
    assert not (tmp_path / RUN / "clips.csv").exists()
    assert recordings_of(bundle, Detector.load(bundle)) is None


@pytest.mark.parametrize("iteration", [1, 2, 3])
@pytest.mark.parametrize("found", [True, False], ids=["recordings", "replay"])
def test_a_stopped_adaptation_goes_on_to_the_same_weights(
    iteration: int, found: bool, adapt_job: AdaptJob, tmp_path: Path
) -> None:
    job = adapt_job if found else dataclasses.replace(adapt_job, recordings=None)
    whole = bundle_of(job, tmp_path / "whole", resume=False)
    with pytest.raises(Interrupted):
        run_in_folder(job, tmp_path / "stopped", resume=False, watch=stopped_after(iteration))
    resumed = bundle_of(job, tmp_path / "stopped", resume=True)
    assert weights_in(resumed) == weights_in(whole)
    one, other = (Detector.load(path).info for path in (resumed, whole))
    assert one.golden == other.golden
    assert one.held_out == other.held_out
    assert one.provenance.data_hash == other.provenance.data_hash


def test_another_adaptation_cannot_go_on_with_a_run(adapt_job: AdaptJob, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_in_folder(adapt_job, tmp_path, resume=False, watch=stopped_after(2))
    fewer = Manifest(adapt_job.anomalies.table[:2])
    for other in (
        dataclasses.replace(adapt_job, anomalies=fewer),
        dataclasses.replace(adapt_job, seed=1),
    ):
        with pytest.raises(TrainingError, match="of another recipe, seed or set of clips"):
            run_in_folder(other, tmp_path, resume=True)


def test_a_finished_adaptation_is_left_and_never_passes_for_another(
    adapt_job: AdaptJob, tmp_path: Path
) -> None:
    bundle = bundle_of(adapt_job, tmp_path, resume=False)
    before = bundle.read_bytes()
    assert bundle_of(adapt_job, tmp_path, resume=True) == bundle
    fewer = Manifest(adapt_job.anomalies.table[:2])
    for other in (
        dataclasses.replace(adapt_job, anomalies=fewer),
        dataclasses.replace(adapt_job, parent=Detector.load(bundle)),
    ):
        with pytest.raises(TrainingError, match="of another parent bundle or new clips") as told:
            run_in_folder(other, tmp_path, resume=True)
        assert told.value.arguments == ("out",)
    assert bundle.read_bytes() == before


# Recordings found again


@pytest.fixture
def trained(factory: Path, tiny_recipe: Recipe, tmp_path: Path) -> tuple[Path, Detector, Path]:
    """A bundle, its detector, and the recordings that it was trained on and that may go."""
    data = tmp_path / "data"
    shutil.copytree(factory, data)
    recipe = tiny_recipe.with_values(training={"iterations": 1})
    job = OwnJob(load_manifest(data), FAN, recipe, device="cpu")
    bundle = bundle_of(job, tmp_path / "runs", resume=False)
    return bundle, Detector.load(bundle), data


def test_recordings_are_found_again_by_the_run_folder(
    trained: tuple[Path, Detector, Path],
) -> None:
    bundle, detector, data = trained
    shutil.rmtree(data / "dev_data" / "synth_fan" / "test")  # never trained on
    missing: list[MissingRecordings] = []
    found = recordings_of(bundle, detector, on_missing=missing.append)
    assert found is not None
    assert {clip.machine for clip in found.clips} == {FAN, VALVE}
    assert len(found.clips) == 24
    assert found.outliers is None
    assert missing == []


def test_recordings_that_have_gone_or_changed_are_left_out_and_told(
    trained: tuple[Path, Detector, Path],
) -> None:
    bundle, detector, data = trained
    first, second, *_ = sorted((data / "dev_data" / "synth_fan" / "train").iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-2] + b"??")
    missing: list[MissingRecordings] = []
    found = recordings_of(bundle, detector, on_missing=missing.append)
    assert found is not None
    assert {str(first), str(second)}.isdisjoint(found.clips.table["path"])
    assert len(found.clips) == 22
    assert missing == [MissingRecordings(2, 24, bundle.with_suffix("") / "clips.csv")]


def test_without_a_clip_that_was_trained_on_nothing_is_found(
    trained: tuple[Path, Detector, Path],
) -> None:
    bundle, detector, data = trained
    shutil.rmtree(data / "dev_data" / "synth_fan" / "train")
    missing: list[MissingRecordings] = []
    assert recordings_of(bundle, detector, on_missing=missing.append) is None
    assert [(found.missing, found.listed) for found in missing] == [(12, 24)]


def test_a_bundle_without_its_run_folder_finds_nothing(
    trained: tuple[Path, Detector, Path], tmp_path: Path
) -> None:
    bundle, detector, _ = trained
    alone = tmp_path / "alone" / "fan.rattle"
    alone.parent.mkdir()
    shutil.copy(bundle, alone)
    assert recordings_of(alone, detector) is None
    assert recordings_of(tmp_path / "nowhere" / "fan", detector) is None


def test_recordings_that_are_named_are_taken_as_they_are(
    trained: tuple[Path, Detector, Path], clips: Manifest
) -> None:
    bundle, detector, data = trained
    shutil.rmtree(data)
    found = recordings_of(bundle, detector, clips)
    assert found is not None
    assert found.clips is clips
    assert found.outliers is None


def test_given_outliers_are_found_again_even_where_the_rest_has_moved(
    clips: Manifest, factory: Path, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    others = tmp_path / "others"  # the machine itself among them, which is no outlier
    shutil.copytree(factory / "dev_data", others)
    recipe = tiny_recipe.with_values(training={"iterations": 1})
    job = OwnJob(clips.of(FAN), FAN, recipe, outliers=load_manifest(others), device="cpu")
    bundle = bundle_of(job, tmp_path / "runs", resume=False)
    detector = Detector.load(bundle)
    for data in (None, clips):
        found = recordings_of(bundle, detector, data)
        assert found is not None
        assert found.outliers is not None
        assert found.outliers.machines() == [VALVE]
        assert set(found.outliers.table["label"]) == {"normal"}
        assert len(found.outliers) == 12 + 3
    shutil.rmtree(others / "synth_valve")
    gone = recordings_of(bundle, detector)
    assert gone is not None
    assert gone.outliers is not None
    assert len(gone.outliers) == 0


def test_an_adapted_bundles_run_folder_finds_the_new_clips_too(
    adapt_job: AdaptJob, tmp_path: Path
) -> None:
    bundle = bundle_of(adapt_job, tmp_path, resume=False)
    detector = Detector.load(bundle)
    found = recordings_of(bundle, detector)
    assert found is not None
    assert set(detector.info.provenance.used) == set(found.clips.of(FAN).table["content_hash"])
    again = dataclasses.replace(adapt_job, parent=detector, recordings=found)
    assert bundle_of(again, tmp_path / "again", resume=False).exists()
