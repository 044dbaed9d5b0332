"""Nearly the same sound: told by the instants of its peaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from numpy.typing import NDArray

from rattle.clips.fingerprint import LOOKED_AT_SECONDS, Beginning, instants_of, near_pairs

RATE_HZ = 16_000
Sound = NDArray[np.float32]


def hum(seed: int, seconds: float = 6) -> Sound:
    """A machine: the same hum for every seed, in other noise."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 20))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return (0.05 * tones + 0.02 * noise).astype(np.float32)


def coded(sound: Sound, path: Path) -> Sound:
    sf.write(path, sound, RATE_HZ)
    return np.asarray(sf.read(path, dtype="float32")[0])


def resampled(sound: Sound, rate_hz: int) -> Sound:
    there = soxr.resample(sound, RATE_HZ, rate_hz)
    return np.asarray(soxr.resample(there, rate_hz, RATE_HZ), dtype=np.float32)


WAYS: dict[str, Callable[[Sound, Path], Sound]] = {
    "20 dB softer": lambda sound, _: sound / 10,
    "6 dB louder": lambda sound, _: sound * 2,
    "upside down": lambda sound, _: -sound,
    "MP3": lambda sound, folder: coded(sound, folder / "a.mp3"),
    "at 44.1 kHz and back": lambda sound, _: resampled(sound, 44_100),
    "at 8 kHz and back": lambda sound, _: resampled(sound, 8_000),
    "half a second of silence before": lambda sound, _: np.pad(sound, (8_000, 0)),
    "a second cut off": lambda sound, _: sound[RATE_HZ + 7 :],
    "8 bits": lambda sound, _: np.rint(sound * 128) / np.float32(128),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_recording_is_found_again_however_it_was_changed(way: str, tmp_path: Path) -> None:
    recordings = [hum(0), hum(1), hum(2), WAYS[way](hum(0), tmp_path)]
    (near,) = near_pairs([instants_of(sound, RATE_HZ) for sound in recordings])
    assert near[:2] == (0, 3)
    assert near.share >= 0.3


def test_machines_that_sound_alike_are_not_the_same() -> None:
    assert not list(near_pairs([instants_of(hum(seed), RATE_HZ) for seed in range(40)]))


def test_of_many_copies_each_is_found() -> None:
    sound = hum(0)
    copies = [instants_of(sound[shift:], RATE_HZ) for shift in range(0, 4000, 400)]
    found = {near.second for near in near_pairs([instants_of(hum(1), RATE_HZ), *copies])}
    assert found == set(range(2, len(copies) + 1))


def test_a_sound_that_repeats_itself_is_like_no_other() -> None:
    stroke = np.random.default_rng(0).standard_normal(RATE_HZ // 4).astype(np.float32)
    tone = np.sin(np.arange(6 * RATE_HZ) / 5).astype(np.float32)
    for sound in (np.tile(stroke, 24), tone):
        instants = instants_of(sound, RATE_HZ)
        assert not list(near_pairs([instants, instants_of(sound[1000:], RATE_HZ)]))


def test_what_is_too_short_or_constant_has_no_instants() -> None:
    assert instants_of(hum(0)[:1000], RATE_HZ) == ()
    assert instants_of(np.full(RATE_HZ, 0.1, np.float32), RATE_HZ) == ()
    assert instants_of(np.zeros(0, np.float32), RATE_HZ) == ()
    assert not list(near_pairs([]))
    assert not list(near_pairs([(), ()]))


def test_of_a_long_recording_the_beginning_is_looked_at() -> None:
    long = np.random.default_rng(0).standard_normal(140 * RATE_HZ).astype(np.float32)
    instants = instants_of(long, RATE_HZ)
    assert 0.98 * LOOKED_AT_SECONDS < instants[-1] / RATE_HZ < LOOKED_AT_SECONDS
    pieces = Beginning(RATE_HZ, RATE_HZ)
    for piece in np.array_split(long, 3):
        pieces.push(piece)
    assert pieces.instants() == instants


def test_a_recording_at_another_rate_is_brought_to_the_one_asked_for() -> None:
    fast = np.asarray(soxr.resample(hum(0), RATE_HZ, 44_100), dtype=np.float32)
    beginning = Beginning(44_100, RATE_HZ)
    beginning.push(fast)
    (near,) = near_pairs([instants_of(hum(0), RATE_HZ), beginning.instants()])
    assert near.share > 0.9
