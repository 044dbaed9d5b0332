"""A recording is judged as the recipe hears it, at its own rate, in the words of a stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from rattle.clips.fitness import Fitness
from rattle.clips.hearing import hear, hear_samples
from rattle.clips.reading import read_clip
from rattle.recipe.parts import Audio
from rattle.synthetic import write_factory

RATE_HZ = 16_000


def noise(seconds: float, level: float = 0.05, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ))


def fault(path: Path, sound: NDArray[np.float64], rate_hz: int = RATE_HZ, **audio: object) -> str:
    sf.write(path / "a.wav", sound, rate_hz)
    return hear(path / "a.wav", Audio.model_validate(audio)).fault


def with_gap(sound: NDArray[np.float64], start_s: float, end_s: float) -> NDArray[np.float64]:
    sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = 0
    return sound


def test_the_words_are_those_of_a_stream_of_the_same_sound(tmp_path: Path) -> None:
    for sound in (
        np.zeros(2 * RATE_HZ),
        np.resize(noise(0.3), 4 * RATE_HZ),
        np.clip(noise(4, level=0.5), -1, 1),
        with_gap(noise(4), 1, 2),
        noise(4),
    ):
        judge = Fitness(RATE_HZ)
        sf.write(tmp_path / "b.wav", sound, RATE_HZ)
        judge.push(sf.read(tmp_path / "b.wav", dtype="float32", always_2d=True)[0])
        assert fault(tmp_path, sound) == judge.fault(0, 4)


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 48_000])
def test_a_recording_is_judged_before_it_is_resampled(rate_hz: int, tmp_path: Path) -> None:
    """Resampled, a buffer is no exact copy any more and full scale is passed."""
    buffer = noise(0.3)
    assert fault(tmp_path, np.resize(buffer, 3 * rate_hz), rate_hz).startswith("frozen for 2.")
    loud = np.clip(noise(4, level=0.5), -1, 1)
    assert fault(tmp_path, loud, rate_hz).startswith("clipped: 4.")
    assert fault(tmp_path, noise(3), rate_hz) == ""


@pytest.mark.parametrize(
    ("channel", "said"), [(0, ""), (1, "silent for 3 s"), ("mean", "silent for 3 s")]
)
def test_the_channel_that_the_recipe_names_is_judged(
    channel: int | str, said: str, tmp_path: Path
) -> None:
    sound = np.stack([noise(3), np.zeros(3 * RATE_HZ)], axis=1)
    assert fault(tmp_path, sound, channel=channel) == said


def test_channels_that_cancel_are_a_silent_mean(tmp_path: Path) -> None:
    sound = np.stack([noise(3), -noise(3)], axis=1)
    assert fault(tmp_path, sound, channel="mean") == "silent for 3 s"


@pytest.mark.parametrize("seconds", [0.05, 0.2, 1.0])
def test_a_clip_shorter_than_a_pause_is_silent_too(seconds: float, tmp_path: Path) -> None:
    assert fault(tmp_path, noise(seconds, level=1e-5)) == f"silent for {seconds:g} s"
    assert fault(tmp_path, noise(seconds)) == ""


def test_what_is_heard_is_what_is_read(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.stack([noise(3), noise(3, seed=1)], axis=1), 44_100)
    for channel in (0, 1, "mean"):
        audio = Audio.model_validate({"channel": channel})
        expected = read_clip(tmp_path / "a.wav", channel=audio.channel)
        np.testing.assert_array_equal(hear(tmp_path / "a.wav", audio).samples, expected)


def test_an_hour_is_learnt_from_in_spite_of_a_gap_and_not_of_many() -> None:
    hour = noise(400).astype(np.float32)
    for start in range(0, 12, 4):
        hour[start * RATE_HZ : (start + 1) * RATE_HZ] = 0
    heard = hear_samples(hour, RATE_HZ)
    assert (heard.fault, heard.judgement.fault_to_learn_from) == ("silent for 3 s", "")
    hour[20 * RATE_HZ : 22 * RATE_HZ] = 0
    assert hear_samples(hour, RATE_HZ).judgement.fault_to_learn_from == "silent for 5 s"


def test_windows_of_a_long_recording_are_judged_one_by_one() -> None:
    long = noise(60).astype(np.float32)
    long[30 * RATE_HZ : 31 * RATE_HZ] = 0
    heard = hear_samples(long, RATE_HZ)
    told = [
        heard.judgement.fault_within(start, start + 8.0) for start in (0.0, 22.0, 23.0, 30.5, 31.0)
    ]
    assert told == ["", "", "silent for 1 s", "silent for 0.5 s", ""]


def test_no_synthetic_machine_is_refused(tmp_path: Path) -> None:
    write_factory(tmp_path, ids_per_type=2, train_clips=2, test_normal=1, test_anomaly=5)
    files = sorted(tmp_path.rglob("*.wav"))
    assert len(files) > 60
    assert [file for file in files if hear(file, Audio()).fault] == []


@pytest.mark.real
def test_no_real_recording_is_refused(real_data: Path) -> None:
    files = sorted((real_data / "dcase2020-subset" / "dev_data").rglob("*.flac"))[::10]
    assert [file for file in files if hear(file, Audio()).fault] == []
