"""The run folder of an adapted head: the encoder can learn on from it as from any other run's."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rattle import DataError, Detector, Machine, Manifest, Recipe, TrainingError
from rattle.bundle import Bundle, read_bundle
from rattle.clips.clip import Clip
from rattle.clips.labelled import labelled_clips
from rattle.clips.layouts import load_manifest
from rattle.detector.own import OwnJob
from rattle.recipe.parts import Audio
from rattle.runs.folder import RunFolder
from rattle.runs.head import folder_for_head, write_head_run
from rattle.runs.write import recordings_of, run_in_folder
from rattle.runtime.adapt_head import adapt_head

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture
def data(factory: Path, tmp_path: Path) -> Path:
    """Recordings that may be moved or lost."""
    return Path(shutil.copytree(factory, tmp_path / "data"))


def trained(job: OwnJob, out: Path) -> Path:
    return run_in_folder(job, out, resume=False)[FAN]


@pytest.fixture
def parent(data: Path, tiny_recipe: Recipe, tmp_path: Path) -> Path:
    """A bundle with its run folder."""
    return trained(OwnJob(load_manifest(data), FAN, tiny_recipe, device="cpu"), tmp_path / "runs")


@pytest.fixture
def faults(data: Path) -> list[Clip]:
    return labelled_clips(
        sorted(data.rglob("synth_fan/test/anomaly_*.wav")), FAN, "anomaly", Audio()
    )


def adapted(parent: Path, anomalies: list[Clip], normals: list[Clip]) -> Bundle:
    detector = Detector.load(parent, device="cpu")
    return adapt_head(detector.bundle(), detector, anomalies, normals).bundle


def written(parent: Path, out: Path, anomalies: list[Clip], normals: list[Clip]) -> RunFolder:
    folder = folder_for_head(parent, FAN, out)
    made = adapted(parent, anomalies, normals)
    write_head_run(folder, made, parent, [*anomalies, *normals], 7)
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


# What it lists


def test_it_lists_the_parents_clips_and_the_new_ones_once(
    parent: Path, faults: list[Clip], data: Path, tmp_path: Path
) -> None:
    clips = load_manifest(data)
    healthy = labelled_clips(
        sorted(data.rglob("synth_fan/test/normal_*.wav")), FAN, "normal", Audio()
    )
    folder = written(parent, tmp_path / "out", faults[:2], healthy[:1])
    listed = Manifest.read_csv(folder.clips)
    assert sorted(listed.hashes()) == sorted(clips.hashes())
    assert listed.table["path"].is_sorted()
    labels = {clip.content_hash: (clip.split, clip.label) for clip in listed}
    for clip in clips:
        new = clip.content_hash in {c.content_hash for c in (*faults[:2], *healthy[:1])}
        assert labels[clip.content_hash] == ("train" if new else clip.split, clip.label)


def test_what_it_lists_is_what_training_the_encoder_on_would_list(
    parent: Path, faults: list[Clip], tmp_path: Path
) -> None:
    from rattle.detector.adapt import AdaptJob

    folder = written(parent, tmp_path / "out", faults, [])
    detector = Detector.load(parent, device="cpu")
    recordings = recordings_of(parent, detector)
    job = AdaptJob(
        detector, Manifest.from_clips(faults), Manifest.from_clips([]), recordings, device="cpu"
    )
    assert job.sources is not None
    of_machine = Manifest.read_csv(folder.clips).of(split="train")
    assert of_machine.table.equals(job.sources.clips.of(split="train").table)


def test_a_known_clip_that_is_labelled_anew_is_listed_as_it_is_given(
    parent: Path, data: Path, tmp_path: Path
) -> None:
    """Told by its content: it may have been copied."""
    origin = read_bundle(parent).info.provenance
    known = load_manifest(data).with_content(origin.trained[:1])
    copy = tmp_path / "copied.wav"
    shutil.copy(next(iter(known)).path, copy)
    wrong = labelled_clips([copy], FAN, "anomaly", Audio())
    folder = written(parent, tmp_path / "out", wrong, [])
    listed = [row for row in rows(folder.clips) if row["content_hash"] == origin.trained[0]]
    assert [(row["path"], row["label"]) for row in listed] == [(str(copy.resolve()), "anomaly")]


def test_new_clips_are_recorded_like_the_machines_others(
    parent: Path, faults: list[Clip], tmp_path: Path
) -> None:
    """So that the pool of outliers stays what it was."""
    folder = written(parent, tmp_path / "out", faults, [])
    before = Manifest.read_csv(RunFolder.beside(parent).clips)
    listed = Manifest.read_csv(folder.clips)
    assert listed.table["source_set"].unique().to_list() == ["synthetic"]
    assert len(listed.outliers_for(FAN)) == len(before.outliers_for(FAN)) == 12


def test_recordings_are_found_again_by_it(parent: Path, faults: list[Clip], tmp_path: Path) -> None:
    folder = written(parent, tmp_path / "out", faults, [])
    detector = Detector.load(folder.bundle, device="cpu")
    found = recordings_of(folder.bundle, detector)
    assert found is not None
    origin = detector.info.provenance
    assert {*found.clips.of(FAN).hashes()} == {
        *origin.trained,
        *origin.held_out,
        *origin.anomalies,
    }


def test_recipe_seed_and_outliers_are_written_too(
    data: Path, tiny_recipe: Recipe, faults: list[Clip], tmp_path: Path
) -> None:
    clips = load_manifest(data)
    job = OwnJob(clips.of(FAN), FAN, tiny_recipe, outliers=clips.of(VALVE), device="cpu")
    parent = trained(job, tmp_path / "with-outliers")
    folder = written(parent, tmp_path / "out", faults, [])
    assert Recipe.load(folder.recipe) == tiny_recipe
    said = json.loads(folder.environment.read_text())
    assert (said["machine"], said["seed"]) == ("synth_fan/id_00", 7)
    assert folder.outliers.read_bytes() == RunFolder.beside(parent).outliers.read_bytes()
    found = recordings_of(folder.bundle, Detector.load(folder.bundle, device="cpu"))
    assert found is not None
    assert found.outliers is not None
    assert found.outliers.machines() == [VALVE]


def test_the_bundle_is_there_as_it_was_made(
    parent: Path, faults: list[Clip], tmp_path: Path
) -> None:
    folder = written(parent, tmp_path / "out", faults, [])
    made = read_bundle(folder.bundle)
    assert made.info.provenance.parent == read_bundle(parent).identity
    assert made.identity == read_bundle(folder.bundle).identity
    assert {*made.info.provenance.anomalies} == {clip.content_hash for clip in faults}


def test_a_bundle_alone_gives_a_folder_that_lists_nothing(
    parent: Path, faults: list[Clip], tmp_path: Path
) -> None:
    """Its replay set stands for the recordings, later too."""
    alone = tmp_path / "alone.rattle"
    shutil.copy(parent, alone)
    folder = written(alone, tmp_path / "out", faults, [])
    assert not folder.clips.exists()
    assert recordings_of(folder.bundle, Detector.load(folder.bundle, device="cpu")) is None


# Refusals


def test_a_run_that_is_there_is_refused(parent: Path, faults: list[Clip], tmp_path: Path) -> None:
    folder = written(parent, tmp_path / "out", faults, [])
    with pytest.raises(TrainingError, match=r"already holds a run \(synth_fan_id_00\)"):
        folder_for_head(parent, FAN, tmp_path / "out")
    folder.bundle.unlink()
    with pytest.raises(TrainingError, match="already holds a run"):
        folder_for_head(parent, FAN, tmp_path / "out")


def test_the_parents_own_place_is_refused_by_whatever_path(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(parent.parent)
    for out in (parent.parent, tmp_path / "link", parent.parent / ".." / parent.parent.name):
        with pytest.raises(TrainingError, match="would take the place of"):
            folder_for_head(parent, FAN, out)
    assert folder_for_head(parent, FAN, tmp_path / "new").bundle.name == parent.name


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: b"path,label\n/etc/passwd,normal\n",
        lambda table: b"",
        lambda table: table[:-80] + b"\n",
        lambda table: table[:-1] + b",more\n",
        lambda table: b"\xff\xfe" + table,
    ],
    ids=["other columns", "empty", "cut short", "too long", "no UTF-8"],
)
def test_a_damaged_list_is_refused_by_its_name_and_leaves_nothing(
    damage: Callable[[bytes], bytes], parent: Path, faults: list[Clip], tmp_path: Path
) -> None:
    listed = RunFolder.beside(parent).clips
    listed.write_bytes(damage(listed.read_bytes()))
    with pytest.raises(DataError, match=r"clips\.csv is not a manifest that rattle wrote"):
        written(parent, tmp_path / "out", faults, [])
    assert not (tmp_path / "out").exists()
