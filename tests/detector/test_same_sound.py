"""The same sound is never trained against itself, nor on both sides of a split."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile as sf

import rattle
from rattle import DataError, Detector, Machine, Manifest, Recipe
from rattle.clips.content import file_hash
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.unfit import Unfit
from rattle.detector.finish import make
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Watch
from rattle.detector.own import OwnJob

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
COPY = Machine("synth_fan - Copy", "id_00")


def copied(files: Iterable[Path], folder: Path, gain: float = 1.0) -> None:
    """Write recordings again as FLAC of 24 bits: other bytes, and with a gain other samples."""
    folder.mkdir(parents=True)
    for file in files:
        samples, rate_hz = sf.read(file)
        sf.write(folder / f"{file.stem}.flac", gain * samples, rate_hz, subtype="PCM_24")


def train_of(clips: Manifest, machine: Machine = FAN) -> list[Path]:
    return [Path(path) for path in clips.of(machine, split="train").table["path"]]


@pytest.fixture(params=[1.0, 0.4], ids=["the same samples", "softer"])
def with_copy(request: pytest.FixtureRequest, factory: Path, tmp_path: Path) -> Manifest:
    """The factory with a machine more, whose clips are the fan's again."""
    data = tmp_path / "data"
    shutil.copytree(factory / "dev_data", data)
    (fan,) = data.rglob("synth_fan")
    copied(sorted((fan / "train").iterdir()), fan.with_name(COPY.type) / "train", request.param)
    table = load_manifest(data).table
    # Recorded like the others, as a copied folder is.
    return Manifest(table.with_columns(source_set=pl.lit("synthetic")))


def learnt(detector: Detector) -> dict[str, bytes]:
    parts = detector.model.learnt().items()
    return {
        f"{of}/{name}": array.tobytes() for of, arrays in parts for name, array in arrays.items()
    }


def test_a_machines_copies_under_another_name_are_no_outliers_of_it(
    with_copy: Manifest, detector: Detector, tiny_recipe: Recipe
) -> None:
    told: list[Unfit] = []
    (trained,) = make(
        OwnJob(with_copy, FAN, tiny_recipe, device="cpu"), watch=Watch(on_unfit=told.append)
    )
    assert trained.info.provenance.outliers == "normal clips of synth_valve/id_00"
    assert learnt(trained) == learnt(detector)
    (unfit,) = told
    assert len(unfit.files) == 12
    assert "copy of normal_id_00_00000000.wav of synth_fan/id_00" in str(unfit)


def test_the_machine_that_is_asked_for_keeps_its_clips(
    with_copy: Manifest, tiny_recipe: Recipe
) -> None:
    (trained,) = make(OwnJob(with_copy, COPY, tiny_recipe, device="cpu"))
    assert trained.info.provenance.outliers == "normal clips of synth_valve/id_00"
    assert len(trained.info.provenance.used) == 12


@pytest.mark.parametrize("is_shared", [False, True])
def test_given_outliers_that_are_the_machines_own_are_left_out(
    is_shared: bool, clips: Manifest, tiny_recipe: Recipe, tiny_fleet: Recipe, tmp_path: Path
) -> None:
    copied(train_of(clips)[:4], tmp_path / "yard", 0.4)
    tests = clips.of(FAN, split="test", label="normal").table["path"]
    copied(map(Path, tests[:2]), tmp_path / "hall")
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    sf.write(tmp_path / "hall" / "noise.wav", noise, 16_000)
    told: list[Unfit] = []
    watch = Watch(on_unfit=told.append)
    if is_shared:
        job = FleetJob(clips, (FAN,), tiny_fleet, outliers=load_outliers(tmp_path), device="cpu")
        pool = "each machine's are the others of synth_fan/id_00, synth_valve/id_00, "
        pool += f"{tmp_path.name}, and"
    else:
        job = OwnJob(clips, FAN, tiny_recipe, outliers=load_outliers(tmp_path), device="cpu")
        pool = "1 normal clips given as outliers"
    (trained,) = make(job, watch=watch)
    assert trained.info.provenance.outliers.startswith(pool)
    (unfit,) = told
    assert str(unfit).startswith("6 of 7 outliers are left out: ")
    kinds = [fault.partition(" of ")[0] for _, fault in unfit.files]
    assert kinds == ["a copy"] * 2 + ["nearly a copy"] * 4


def test_given_outliers_of_the_same_machine_in_another_set_are_left_out(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 48_000))
    for name, sound in zip((FAN.of_set("monday"), Machine("hall", "1")), noise, strict=True):
        folder = tmp_path / name.type / name.id / "normal"
        folder.mkdir(parents=True)
        sf.write(folder / "a.wav", sound, 16_000)
    told: list[Unfit] = []
    job = OwnJob(clips, FAN, tiny_recipe, outliers=load_outliers(tmp_path), device="cpu")
    make(job, watch=Watch(on_unfit=told.append))
    ((_, fault),) = told[0].files
    assert fault == f"a clip of {FAN.of_set('monday')}, perhaps the same machine"


def test_outliers_that_are_all_the_machines_own_are_refused_and_say_why(
    factory: Path, clips: Manifest, tiny_recipe: Recipe
) -> None:
    (fan,) = factory.rglob("synth_fan")
    with pytest.raises(
        DataError,
        match=r"no normal clip of a machine other than synth_fan/id_00.*15 of 15 outliers are left "
        r"out: .*\(a clip of synth_fan/id_00 itself\)",
    ):
        rattle.fit(clips, FAN, recipe=tiny_recipe, outliers=fan, device="cpu")


def test_in_a_fleet_the_machine_of_the_shorter_name_keeps_what_two_have(
    with_copy: Manifest, fleet: dict[Machine, Detector], tiny_fleet: Recipe
) -> None:
    told: list[Unfit] = []
    job = FleetJob(with_copy, (FAN, VALVE), tiny_fleet, device="cpu")
    trained = {one.machine: one for one in make(job, watch=Watch(on_unfit=told.append))}
    assert learnt(trained[FAN]) == learnt(fleet[FAN])
    assert learnt(trained[VALVE]) == learnt(fleet[VALVE])
    assert len(told[0].files) == 12
    assert set(rattle.fit_fleet(with_copy, recipe=tiny_fleet, device="cpu")) == {FAN, VALVE}
    with pytest.raises(DataError, match=r"Copy/id_00 has 0 normal .*copy of .* of synth_fan/id_00"):
        make(FleetJob(with_copy, (FAN, COPY), tiny_fleet, device="cpu"))


def test_what_tests_a_machine_is_trained_on_as_no_others(
    clips: Manifest, tiny_fleet: Recipe
) -> None:
    test = next(iter(clips.of(FAN, split="test", label="normal")))
    moved = replace(
        test, path=f"{test.path}.wav", machine_type="press", machine_id="", split="train"
    )
    shutil.copy(test.path, moved.path)
    try:
        data = Manifest.from_clips([*clips, moved])
        told: list[Unfit] = []
        job = FleetJob(data, (FAN,), tiny_fleet, device="cpu")
        (trained,) = make(job, watch=Watch(on_unfit=told.append))
    finally:
        Path(moved.path).unlink()
    assert "press" not in trained.info.provenance.outliers
    assert told[0].files[0][1] == f"a copy of {Path(test.path).name} of synth_fan/id_00"


def test_copies_count_once_among_a_machines_normals_and_near_copies_do_not(
    factory: Path, clips: Manifest, detector: Detector, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(factory / "dev_data", data)
    (fan,) = data.rglob("synth_fan")
    for number, file in enumerate(sorted((fan / "train").iterdir())):
        samples, rate_hz = sf.read(file, dtype="int16")
        name = file.stem.replace("id_00_0", "id_00_9")
        gain = 1 if number else 0.4  # of one only nearly the same
        copy = (gain * samples).astype(np.int16)
        sf.write(file.with_name(f"{name}.flac"), copy, rate_hz)
    told: list[Unfit] = []
    (again,) = make(
        OwnJob(load_manifest(data), FAN, tiny_recipe, device="cpu"),
        watch=Watch(on_unfit=told.append),
    )
    assert len(again.info.provenance.used) == len(detector.info.provenance.used) + 1
    assert len(told[0].files) == 11
    many = tiny_recipe.with_values(training={"minimum_normals": 14})
    with pytest.raises(DataError, match=r"has 13 normal .*\(a copy of normal_id_00_0000"):
        rattle.fit(data, FAN, recipe=many, device="cpu")


def test_a_machine_is_not_enrolled_with_the_sound_of_one_that_the_encoder_knows(
    with_copy: Manifest, fleet: dict[Machine, Detector], tmp_path: Path
) -> None:
    copied(train_of(with_copy), tmp_path / "press" / "normal")
    with pytest.raises(
        DataError, match=r"12 of the 12 .* of press, such as .* same sound as clips of synth_fan"
    ):
        rattle.enrol(fleet[FAN], tmp_path / "press", "press", device="cpu")


def of_schema_6(detector: Detector, clips: Manifest) -> Detector:
    """The detector as it would have been written before: it knows clips by their files' bytes."""
    names = {clip.content_hash: file_hash(Path(clip.path)) for clip in clips}
    origin = detector.info.provenance
    changed = {
        kind: tuple(names[hash_] for hash_ in getattr(origin, kind))
        for kind in ("trained", "held_out")
    }
    crossed = [
        clip.model_copy(update={"clip": names[clip.clip]}) for clip in detector.info.cross_fitted
    ]
    info = detector.info.model_copy(
        update={
            "schema_version": 6,
            "provenance": origin.model_copy(update=changed),
            "cross_fitted": tuple(crossed),
        }
    )

    def renamed(stored: dict[str, object]) -> dict[str, object]:
        return {names[hash_]: rows for hash_, rows in stored.items()}

    replay = replace(
        detector.replay,
        normals=renamed(dict(detector.replay.normals)),
        held_out=renamed(dict(detector.replay.held_out)),
        outliers={name: renamed(dict(of)) for name, of in detector.replay.outliers.items()},
    )

    def called(stored: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(
            replace(one, clip=one.clip._replace(hash=names[one.clip.hash])) for one in stored
        )

    known = replace(
        detector.known,
        normals=called(detector.known.normals),
        held_out=called(detector.known.held_out),
    )
    return replace(detector, info=info, replay=replay, known=known)


def test_a_bundle_of_schema_6_is_opened_and_adapted_with_its_recordings(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    of_schema_6(detector, clips).save(tmp_path / "old.rattle")
    old = Detector.load(tmp_path / "old.rattle", device="cpu")
    assert old.info.schema_version == 6
    faults = clips.of(FAN, label="anomaly").table["path"].to_list()
    known = clips.with_content(detector.info.provenance.held_out[:1]).table["path"].to_list()
    adapted = rattle.adapt(old, faults[:2], normals=known, data=clips, device="cpu")
    origin = adapted.info.provenance
    assert {*origin.trained} == {*old.info.provenance.trained}
    assert {*origin.held_out} == {*old.info.provenance.held_out}
    assert all(hash_.startswith("sound-") for hash_ in origin.anomalies)
    assert adapted.info.schema_version == 7
    by_head = rattle.adapt(old, faults[:2], head=True, device="cpu")
    assert by_head.info.schema_version == 7
