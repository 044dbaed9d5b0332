"""One long recording trains a machine, and its clips are known wherever clips are told by hash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile as sf

import rattle
from rattle import DataError, Detector, Machine, Manifest, Recipe
from rattle.clips.cut_manifest import cut_outliers
from rattle.clips.cutting import Cut
from rattle.clips.excerpt import excerpt_of, recording_of
from rattle.clips.labelled import labelled_clips
from rattle.clips.layouts import load_manifest
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import make
from rattle.detector.fit import training_jobs
from rattle.detector.job import Recordings, Watch
from rattle.evaluation.scoring import score_machines
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.runtime.healthy import fresh_clips
from rattle.synthetic import write_factory

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
NOTHING = Manifest.from_clips([])


@pytest.fixture(scope="module")
def long_clips(clips: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A fan with one recording of three minutes to train on, and a valve with twelve clips."""
    folder = tmp_path_factory.mktemp("long")
    write_factory(
        folder,
        types=("synth_fan",),
        ids_per_type=1,
        train_clips=1,
        test_normal=0,
        test_anomaly=0,
        seconds=180.0,
    )
    others = [clip for clip in clips if (clip.machine, clip.split) != (FAN, "train")]
    return Manifest.from_clips([*load_manifest(folder), *others])


def recording(clips: Manifest) -> str:
    (path,) = clips.of(FAN, split="train").table["path"]
    return str(path)


@pytest.fixture(scope="module")
def own(long_clips: Manifest, tiny_recipe: Recipe) -> Detector:
    return rattle.fit(long_clips, FAN, recipe=tiny_recipe, device="cpu")


def made(jobs: list, cuts: list[Cut]) -> Detector:  # type: ignore[type-arg]
    (job,) = jobs
    watch = Watch(on_cut=cuts.extend, on_unfit=lambda _: None)
    return next(each for each in make(job, watch=watch) if each.machine == FAN)


@pytest.mark.parametrize("which", ["tiny_recipe", "tiny_fleet"])
def test_one_long_recording_trains_a_machine_and_how_it_is_cut_is_reported(
    which: str, long_clips: Manifest, request: pytest.FixtureRequest
) -> None:
    recipe: Recipe = request.getfixturevalue(which)
    cuts: list[Cut] = []
    detector = made(training_jobs(long_clips, [FAN], recipe, device="cpu"), cuts)
    origin = detector.info.provenance
    assert [(cut.path, cut.clips, cut.clip_s) for cut in cuts] == [(recording(long_clips), 15, 10)]
    assert (len(origin.trained), len(origin.held_out)) == (12, 3)
    (hash_,) = long_clips.of(FAN, split="train").hashes()
    assert {recording_of(clip) for clip in origin.used} == {hash_}
    assert {clip.name.split(" from ")[0] for clip in detector.known.normals} == {
        Path(recording(long_clips)).name
    }


def test_what_is_held_out_is_one_stretch_of_the_recording(own: Detector) -> None:
    origin = own.info.provenance
    held_out, trained = (
        sorted(excerpt_of(clip).start_frame for clip in of)  # type: ignore[union-attr]
        for of in (origin.held_out, origin.trained)
    )
    assert not [start for start in trained if held_out[0] < start < held_out[-1]]


def test_a_fleet_counts_a_long_recordings_clips_where_it_looks_for_machines_to_train(
    long_clips: Manifest, tiny_fleet: Recipe
) -> None:
    assert set(rattle.fit_fleet(long_clips, recipe=tiny_fleet, device="cpu")) == {FAN, VALVE}


def test_a_long_recording_that_was_trained_on_is_found_among_the_test_clips(
    own: Detector, long_clips: Manifest
) -> None:
    leaked = [
        clip if clip.machine != FAN else replace(clip, split="test")
        for clip in long_clips.of(split="train")
    ]
    test = Manifest.from_clips([*leaked, *long_clips.of(FAN, split="test")])
    scored = score_machines([own], test)
    assert recording(long_clips) not in scored.table["path"].to_list()
    assert "1 of 7 test clips were used in training" in scored.notes[0]
    with pytest.raises(DataError, match="has learnt from every recording"):
        fresh_clips(own.info, [Path(recording(long_clips))])


def adapted(parent: Detector, data: Manifest | None, anomalies: Manifest, normals: Manifest):  # type: ignore[no-untyped-def]
    found: list[object] = []
    job = AdaptJob(
        parent, anomalies, normals, None if data is None else Recordings(data), device="cpu"
    )
    watch = Watch(on_recovered=found.append, on_unfit=lambda _: None)
    (detector,) = make(job, watch=watch)
    return detector, found[0], job


def labelled(detector: Detector, path: str, label: str) -> Manifest:
    used = detector.info.provenance.used
    return Manifest.from_clips(
        labelled_clips([Path(path)], FAN, label, detector.recipe.audio, used=used)
    )


def test_adaptation_finds_all_clips_of_a_long_recording_again(
    own: Detector, long_clips: Manifest
) -> None:
    fault = long_clips.of(FAN, split="test", label="anomaly").table["path"][0]
    detector, found, job = adapted(own, long_clips, labelled(own, fault, "anomaly"), NOTHING)
    assert (found.trained, found.held_out, found.only_replay) == ((12, 12), (3, 3), 0)
    assert job.sources.clips.of(FAN, split="train", label="normal").hashes() == (
        long_clips.of(FAN, split="train").hashes()
    )
    assert set(detector.info.provenance.trained) == set(own.info.provenance.trained)


def test_a_trained_recording_that_is_called_an_anomaly_changes_sides_clip_by_clip(
    own: Detector, long_clips: Manifest, tiny_recipe: Recipe
) -> None:
    given = labelled(own, recording(long_clips), "anomaly")
    assert set(given.hashes()) == set(own.info.provenance.used)
    with pytest.raises(DataError, match="15 of the anomalies given are clips that the bundle was"):
        adapted(own, long_clips, given, NOTHING)


def test_a_trained_recording_that_is_called_normal_keeps_its_stretch_held_out(
    own: Detector, long_clips: Manifest
) -> None:
    given = labelled(own, recording(long_clips), "normal")
    detector, _, job = adapted(own, long_clips, NOTHING, given)
    origin, before = detector.info.provenance, own.info.provenance
    assert (set(origin.trained), set(origin.held_out)) == (
        set(before.trained),
        set(before.held_out),
    )
    assert set(origin.silenced) == set(before.used)
    assert not [clip for clip in job.sources.clips if clip.excerpt]


def test_a_head_learns_from_clips_of_a_known_recording(
    own: Detector, long_clips: Manifest, tmp_path: Path
) -> None:
    learnt = rattle.adapt(own, [], normals=[recording(long_clips)], head=True, device="cpu")
    assert set(learnt.info.provenance.silenced) == set(own.info.provenance.used)
    assert len({clip.name for clip in (*learnt.known.normals, *learnt.known.held_out)}) == 15


def test_a_clip_of_a_manifest_is_scored_as_the_excerpt_that_it_is(
    own: Detector, long_clips: Manifest
) -> None:
    given = list(labelled(own, recording(long_clips), "normal"))
    scores = own.score(given)
    assert [score.path for score in scores] == [clip.name for clip in given]
    assert len({score.score for score in scores}) == len(given)
    samples = own.samples(recording(long_clips))
    rate = own.recipe.audio.sample_rate_hz
    (alone,) = own.score([samples[given[1].start_frame : given[1].start_frame + 10 * rate]])
    assert scores[1].score == pytest.approx(alone.score)


def test_a_gap_in_a_recording_leaves_out_the_clips_that_it_lies_in(
    long_clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    sound, rate = sf.read(recording(long_clips), dtype="float32")
    sound[60 * rate : 84 * rate] = 0
    folder = tmp_path / "press" / "normal"
    folder.mkdir(parents=True)
    sf.write(folder / "rec.wav", sound, rate)
    told: list[str] = []
    jobs = training_jobs(
        Manifest.from_clips([*load_manifest(tmp_path), *long_clips.of(VALVE)]),
        [Machine("press", "")],
        tiny_recipe,
        device="cpu",
    )
    jobs[0].material(Watch(on_unfit=lambda unfit: told.append(str(unfit))))
    assert "rec.wav from 60.7 s (silent for 10 s)" in told[0]
    assert told[0].startswith("2 of ")


def test_outliers_cut_from_a_recording_that_tests_the_machine_are_left_out(
    long_clips: Manifest, tiny_recipe: Recipe
) -> None:
    (long,) = long_clips.of(FAN, split="train")
    store = FeatureStore.of(tiny_recipe)
    test = Manifest.from_clips([replace(long, split="test")])
    yard = Manifest.from_clips(
        [replace(long, path=f"{long.path}/../{Path(long.path).name}", machine_type="yard")]
    )
    sieve = Sieve(store, "outliers")
    assert not len(sieve.fit_outliers(cut_outliers(yard, tiny_recipe), test))
    assert str(sieve.unfit).startswith("15 of 15 outliers are left out: ")
    assert f"(a copy of {Path(long.path).name} of {FAN})" in str(sieve.unfit)


def test_a_machine_is_not_enrolled_with_a_long_recording_that_the_encoder_knows_in_part(
    own: Detector, long_clips: Manifest
) -> None:
    (long,) = long_clips.of(FAN, split="train")
    press = replace(long, machine_type="press", machine_id="")
    with pytest.raises(DataError, match=r"1 of the 1 .* of press, .* same sound as clips"):
        rattle.enrol(own, Manifest.from_clips([press]), "press", device="cpu")
