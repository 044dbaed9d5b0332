"""Clips that are not fit are learnt from and scored by nobody; how others were recorded is said."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

import rattle
from rattle import ClipError, DataError, Detector, Machine, Manifest, Recipe
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.unfit import Unfit
from rattle.detector.finish import make
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Watch
from rattle.detector.own import OwnJob
from rattle.features.store import FeatureStore
from rattle.scoring.clip import Unscored

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
RATE_HZ = 16_000


def noise(seconds: float, seed: int = 0, level: float = 0.05) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ))


UNFIT = {
    "dead": np.zeros(3 * RATE_HZ),
    "dither": np.random.default_rng(1).choice([-1, 0, 1], 3 * RATE_HZ) / 32768,
    "frozen": np.resize(noise(0.3), 3 * RATE_HZ),
    "clipped": np.clip(noise(3, level=0.6), -1, 1),
}


@pytest.fixture
def spoilt(factory: Path, tmp_path: Path) -> Manifest:
    """The factory with unfit clips among the fan's normals and one among the valve's."""
    data = tmp_path / "spoilt"
    shutil.copytree(factory, data)
    for number, sound in enumerate(UNFIT.values()):
        (train,) = data.rglob("synth_fan/train")
        sf.write(train / f"normal_id_00_9{number}.wav", sound, RATE_HZ)
    (train,) = data.rglob("synth_valve/train")
    sf.write(train / "normal_id_00_90.wav", np.zeros(2 * RATE_HZ), RATE_HZ)
    return load_manifest(data)


def same(one: Detector, other: Detector) -> bool:
    """Whether two detectors learnt the same, to the last bit, and decide alike."""
    ours, theirs = one.bundle(), other.bundle()
    return (
        all(
            np.array_equal(array, theirs.learnt[part][name])
            for part, arrays in ours.learnt.items()
            for name, array in arrays.items()
        )
        and one.info.provenance.data_hash == other.info.provenance.data_hash
        and (one.info.held_out, one.info.scale) == (other.info.held_out, other.info.scale)
        and (one.info.amplitude, one.info.recorder) == (other.info.amplitude, other.info.recorder)
    )


def test_a_training_with_unfit_clips_is_one_without_them(
    spoilt: Manifest, detector: Detector, tiny_recipe: Recipe
) -> None:
    told: list[Unfit] = []
    job = OwnJob(spoilt, FAN, tiny_recipe, device="cpu")
    (trained,) = make(job, watch=Watch(on_unfit=told.append))
    assert same(trained, detector)
    (unfit,) = told
    assert (len(unfit.files), unfit.of) == (5, 29)
    said = str(unfit)
    assert said.startswith("5 of 29 clips are left out: ")
    assert "normal_id_00_90.wav (silent for 3 s)" in said
    assert "normal_id_00_92.wav (frozen for 2.5 s)" in said
    assert said.endswith("and 2 more")


def test_a_fleets_training_leaves_them_out_too(
    spoilt: Manifest, fleet: dict[Machine, Detector], tiny_fleet: Recipe
) -> None:
    told: list[Unfit] = []
    job = FleetJob(spoilt, (FAN, VALVE), tiny_fleet, device="cpu")
    trained = make(job, watch=Watch(on_unfit=told.append))
    assert all(same(one, fleet[one.machine]) for one in trained)
    assert len(told[0].files) == 5


def test_python_users_are_told_by_a_warning(
    spoilt: Manifest, tiny_recipe: Recipe, caplog: pytest.LogCaptureFixture
) -> None:
    rattle.fit(spoilt, FAN, recipe=tiny_recipe, device="cpu")
    assert "5 of 29 clips are left out: " in caplog.text


def test_a_second_training_judges_nothing_again(
    spoilt: Manifest, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    normals = spoilt.of(FAN, split="train", label="normal")
    judged = FeatureStore.of(tiny_recipe).facts(normals)
    again = FeatureStore.of(tiny_recipe)
    monkeypatch.setattr(again.front_end, "facts", None)
    assert again.facts(normals) == judged
    assert again.facts(normals.of(FAN)) == judged


def test_too_few_clips_that_are_left_say_why(
    spoilt: Manifest, tiny_recipe: Recipe, tiny_fleet: Recipe
) -> None:
    many = tiny_recipe.with_values(training={"minimum_normals": 14})
    with pytest.raises(
        DataError, match=r"has 12 normal training clips.*; 5 of 29 clips are left out"
    ):
        rattle.fit(spoilt, FAN, recipe=many, device="cpu")
    many = tiny_fleet.with_values(training={"minimum_normals": 14})
    with pytest.raises(
        DataError, match=r"normal training clips enough.*5 of 29 clips are left out"
    ):
        rattle.fit_fleet(spoilt, recipe=many, device="cpu")


def test_outliers_given_and_validation_clips_are_judged_too(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    for number, sound in enumerate([noise(3), noise(3, 1), UNFIT["dead"]]):
        (tmp_path / "yard").mkdir(exist_ok=True)
        sf.write(tmp_path / "yard" / f"{number}.wav", sound, RATE_HZ)
    told: list[Unfit] = []
    yard = load_outliers(tmp_path)
    test = [*clips.of(FAN, split="test")][:5]
    dead = dataclasses.replace(test[0], path=str(tmp_path / "yard" / "2.wav"), content_hash="dead")
    job = OwnJob(
        clips,
        FAN,
        tiny_recipe,
        outliers=yard,
        validation=Manifest.from_clips([*test, dead]),
        device="cpu",
    )
    (trained,) = make(job, watch=Watch(on_unfit=told.append))
    assert trained.info.provenance.outliers == "2 normal clips given as outliers"
    assert trained.info.alpha_origin == "5 labelled validation clips"
    assert len(told[0].files) == 1


@pytest.mark.parametrize("kind", UNFIT)
def test_an_unfit_clip_is_not_scored(
    kind: str, detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    path = tmp_path / f"{kind}.wav"
    sf.write(path, UNFIT[kind], RATE_HZ)
    healthy = clips.of(FAN, split="test").table["path"][0]
    of_file, of_array, of_healthy = detector.score_each(
        [path, UNFIT[kind].astype(np.float32), healthy]
    )
    word = {"dead": "silent", "dither": "silent"}.get(kind, kind)
    assert isinstance(of_file, Unscored)
    assert isinstance(of_array, Unscored)
    assert of_file.reason.startswith(f"{path}: not fit to be judged: {word}")
    assert of_array.reason.startswith(f"samples: not fit to be judged: {word}")
    assert not isinstance(of_healthy, Unscored)
    with pytest.raises(ClipError, match=f"not fit to be judged: {word}"):
        detector.score([path])


def test_a_long_recording_loses_the_windows_that_are_not_fit(
    detector: Detector, tmp_path: Path
) -> None:
    long = noise(60).astype(np.float32)
    whole = detector.score([long])[0]
    long[30 * RATE_HZ : 31 * RATE_HZ] = 0
    spoilt = detector.score([long])[0]
    starts = {window.start_s for window in whole.windows} - {w.start_s for w in spoilt.windows}
    # Windows of 2 s, one a second.
    assert all(28 < start < 31 for start in starts)
    assert len(starts) >= 2
    assert spoilt.remark is not None
    assert f"{len(starts)} of {len(whole.windows)} windows are left out: silent for 1 s" in (
        spoilt.remark
    )
    with pytest.raises(ClipError, match="samples: not fit to be judged: silent for 60 s"):
        detector.score([np.zeros_like(long)])


def test_a_clip_that_was_recorded_otherwise_is_scored_with_a_remark(
    detector: Detector, clips: Manifest, tmp_path: Path
) -> None:
    healthy = clips.of(FAN, split="test", label="normal").table["path"].to_list()
    assert [clip.remark for clip in detector.score(healthy)] == [None] * len(healthy)
    sound, _ = sf.read(healthy[0])
    sf.write(tmp_path / "slow.wav", np.convolve(sound, [0.25, 0.5, 0.25])[::2], 8000)
    sf.write(tmp_path / "a.mp3", sound, RATE_HZ)
    slow, compressed = detector.score([tmp_path / "slow.wav", tmp_path / "a.mp3"])
    assert slow.remark is not None
    assert slow.remark.startswith("recorded otherwise than the training clips: 8000 Hz, theirs")
    assert compressed.remark is not None
    assert "MP3, theirs are uncompressed" in compressed.remark


def test_golden_clips_are_scored_as_they_are(detector: Detector) -> None:
    """Rounded to 16 bits, a recording in other units is clipped."""
    loud = (np.full(3 * RATE_HZ, 32767, np.int16),)
    assert dataclasses.replace(detector, golden=loud).golden_scores()


@pytest.mark.parametrize("head", [False, True])
def test_of_labelled_clips_the_unfit_ones_are_left_out(
    head: bool,
    detector: Detector,
    clips: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = clips.of(FAN, split="test", label="anomaly").table["path"][0]
    dead = tmp_path / "dead.wav"
    sf.write(dead, UNFIT["dead"], RATE_HZ)
    adapted = rattle.adapt(detector, [fault, dead], head=head, device="cpu")
    assert f"anomaly: 1 of 2 clips are left out: {dead}" in caplog.text
    assert len(adapted.info.provenance.anomalies) == 1
    with pytest.raises(ClipError, match=r"anomaly: 1 of 1 clips are left out.*give others"):
        rattle.adapt(detector, [dead], head=head, device="cpu")


@pytest.mark.parametrize("head", [False, True])
def test_normals_that_are_learnt_from_are_recorded_otherwise_no_more(
    head: bool,
    detector: Detector,
    clips: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound, _ = sf.read(clips.of(FAN, split="test", label="normal").table["path"][0])
    sf.write(tmp_path / "a.mp3", sound, RATE_HZ)
    assert detector.score([tmp_path / "a.mp3"])[0].remark
    adapted = rattle.adapt(detector, [], normals=[tmp_path / "a.mp3"], head=head, device="cpu")
    said = "normal: 1 of 1 clips were recorded otherwise, such as "
    assert f"{said}{tmp_path / 'a.mp3'} (recorded otherwise than" in caplog.text
    assert adapted.score([tmp_path / "a.mp3"])[0].remark is None


def test_enrolment_leaves_them_out(
    spoilt: Manifest, clips: Manifest, fleet: dict[Machine, Detector], tmp_path: Path
) -> None:
    data = tmp_path / "press" / "normal"
    data.mkdir(parents=True)
    for number in range(9):
        sf.write(data / f"{number}.wav", noise(3, number), RATE_HZ)
    clean = rattle.enrol(fleet[FAN], tmp_path / "press", "press", device="cpu")
    sf.write(data / "dead.wav", UNFIT["dead"], RATE_HZ)
    again = rattle.enrol(fleet[FAN], tmp_path / "press", "press", device="cpu")
    assert again.info.provenance.trained == clean.info.provenance.trained
    assert same(again, clean)
