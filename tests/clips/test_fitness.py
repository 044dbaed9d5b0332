"""Sound that is not fit to be scored is found, and real sound is not taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rattle.clips.fitness import Fitness

RATE_HZ = 8000


def noise(seconds: float, level: float = 0.1) -> NDArray[np.float32]:
    """One channel as a 16-bit converter gives it, ``[T, 1]``."""
    samples = np.random.default_rng(0).normal(0, level, (round(seconds * RATE_HZ), 1))
    return (np.round(samples * 32768) / 32768).astype(np.float32)


def fault(sound: NDArray[np.float32], start_s: float = 0.0, end_s: float | None = None) -> str:
    fitness = Fitness(RATE_HZ)
    for chunk in np.array_split(sound, 37):
        fitness.push(chunk)
    return fitness.fault(start_s, len(sound) / RATE_HZ if end_s is None else end_s)


def test_noise_is_fit() -> None:
    assert fault(noise(8)) == ""
    assert fault(noise(8, level=0.0005)) == ""


def test_digital_silence_within_is_silent() -> None:
    sound = noise(8)
    sound[2 * RATE_HZ : 3 * RATE_HZ] = 0
    assert fault(sound) == "silent for 1 s"


def test_the_dither_of_a_microphone_that_is_not_plugged_in_is_silent() -> None:
    assert fault(noise(4, level=0.00001)) == "silent for 4 s"


def test_a_pause_of_a_tenth_of_a_second_is_no_fault() -> None:
    sound = noise(4)
    sound[RATE_HZ : RATE_HZ + RATE_HZ // 10] = 0
    assert fault(sound) == ""


def test_the_quiet_between_strokes_is_no_silence_but_a_longer_one_is() -> None:
    """A working microphone at a low gain: a step or two of noise, and not a single value."""
    pauses, strokes = noise(8, level=0.00002), noise(8)
    sound = pauses.copy()
    for start in (0, 2, 4, 6):
        stroke = slice(start * RATE_HZ, start * RATE_HZ + RATE_HZ // 4)
        sound[stroke] = strokes[stroke]
    assert fault(sound) == ""
    sound[2 * RATE_HZ : 3 * RATE_HZ] = pauses[2 * RATE_HZ : 3 * RATE_HZ]
    assert fault(sound) == "silent for 3.75 s"


def test_a_constant_is_frozen() -> None:
    sound = noise(4)
    sound[RATE_HZ : 2 * RATE_HZ] = 0.25
    # Its first quarter of a second is a copy of nothing yet.
    assert fault(sound) == "frozen for 0.75 s"


@pytest.mark.parametrize("period", [1, 100, 441, 4096, 15000])
def test_a_buffer_that_is_played_again_and_again_is_frozen(period: int) -> None:
    sound = noise(12)
    begin = 4 * RATE_HZ
    sound[begin:] = np.resize(sound[begin : begin + period], (8 * RATE_HZ, 1))
    assert fault(sound, 7.0).startswith("frozen for 5 s")
    assert fault(sound, 0.0, 4.0) == ""


def test_a_level_that_hits_full_scale_again_and_again_is_clipped() -> None:
    sound = np.clip(noise(8, level=0.5), -1, 32767 / 32768).astype(np.float32)
    assert fault(sound).startswith("clipped: ")


def test_one_knock_at_full_scale_is_no_fault() -> None:
    sound = noise(8)
    sound[1000:1004] = 1.0
    assert fault(sound) == ""


def test_floats_in_other_units_are_not_clipped() -> None:
    assert fault(noise(8, level=50.0)) == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_samples_that_are_no_numbers_are_a_fault(value: float) -> None:
    sound = noise(4)
    sound[100] = value
    assert fault(sound) == "damaged for 0.25 s"


def test_one_dead_channel_of_those_heard_is_a_fault() -> None:
    sound = np.concatenate([noise(4), np.zeros_like(noise(4))], axis=1)
    assert fault(sound) == "silent for 4 s"


def test_a_fault_concerns_the_windows_that_hold_it_and_no_others() -> None:
    sound = noise(9)
    sound[3 * RATE_HZ : 4 * RATE_HZ] = 0
    fitness = Fitness(RATE_HZ)
    fitness.push(sound)
    told = [fitness.fault(start, start + 2.0) != "" for start in range(7)]
    assert told == [False, False, True, True, False, False, False]


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 4 * RATE_HZ), max_size=20))
def test_the_judgement_does_not_depend_on_the_chunks(cuts: list[int]) -> None:
    sound = noise(4)
    sound[RATE_HZ : 2 * RATE_HZ] = 0
    fitness = Fitness(RATE_HZ)
    for chunk in np.split(sound, sorted(cuts)):
        fitness.push(chunk)
    windows = [(0.0, 0.9), (0.5, 1.4), (1.1, 2.0), (1.9, 2.8), (2.1, 3.0)]
    expected = ["", "silent for 0.25 s", "silent for 1 s", "silent for 0.25 s", ""]
    assert [fitness.fault(*window) for window in windows] == expected


def test_what_is_remembered_does_not_grow() -> None:
    fitness = Fitness(RATE_HZ)
    sizes = []
    for second in range(60):
        fitness.push(noise(1))
        fitness.fault(second - 8.0, second)
        assert fitness._past is not None
        sizes.append(fitness._past.size + len(fitness._pieces))
    assert sizes[-1] == sizes[20]


@pytest.mark.real
def test_real_recordings_are_fit(real_data: Path) -> None:
    found = sorted((real_data / "dcase2020-subset" / "dev_data").rglob("*.flac"))[::10]
    assert found
    for path in found:
        sound, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        fitness = Fitness(rate_hz)
        fitness.push(sound)
        assert fitness.fault(0, len(sound) / rate_hz) == "", path
