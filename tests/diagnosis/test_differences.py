"""Differences by physics: what is put into noise is named where it is, as loud as it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, welch

from rattle.diagnosis.difference import Difference
from rattle.diagnosis.differences import comparison, differences
from rattle.diagnosis.reference import Reference

RATE_HZ, SECONDS, CLIPS = 16_000, 6, 24
LEVEL = 0.05
Samples = np.ndarray


def noise(seed: int, rate_hz: int = RATE_HZ, seconds: float = SECONDS) -> Samples:
    rng = np.random.default_rng(seed)
    return (LEVEL * rng.standard_normal(round(seconds * rate_hz))).astype(np.float32)


def tone(hz: float, amplitude: float) -> Samples:
    t = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def knocks(at_s: np.ndarray, strength: float = 0.5) -> Samples:
    """Short clicks that ring at 4.5 kHz."""
    t = np.arange(160) / RATE_HZ
    click = strength * np.exp(-t / 0.0015) * np.sin(2 * np.pi * 4500 * t)
    sound = np.zeros(SECONDS * RATE_HZ + len(click), np.float32)
    for start in np.round(at_s * RATE_HZ).astype(int).tolist():
        sound[start : start + len(click)] += click
    return sound[: SECONDS * RATE_HZ]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.of((noise(seed) for seed in range(CLIPS)), RATE_HZ)


def strokes(seed: int, missing: int | None = None) -> Samples:
    """Half a second of noise every second, over softer noise; one stroke may be missing."""
    at = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    phase = np.random.default_rng(seed).uniform(0, 0.3)
    on = ((at - phase) % 1) < 0.5
    if missing is not None:
        on &= np.floor(at - phase) != missing
    return noise(seed) * np.where(on, 1, 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def stroking() -> Reference:
    return Reference.of((strokes(seed) for seed in range(CLIPS)), RATE_HZ)


def humming(seed: int, speed: float = 1.0) -> Samples:
    """A machine with lines at 80, 160 and 240 Hz, whose speed differs by 0.2 % a clip."""
    pitch = 80 * speed * (1 + 0.002 * np.random.default_rng(seed).uniform(-1, 1))
    return noise(seed) + tone(pitch, 0.02) + tone(2 * pitch, 0.02) + tone(3 * pitch, 0.02)


@pytest.fixture(scope="module")
def hum() -> Reference:
    return Reference.of((humming(seed) for seed in range(CLIPS)), RATE_HZ)


def unusual(samples: Samples, reference: Reference) -> list[Difference]:
    return [each for each in differences(samples, reference) if each.unusualness > 1]


@pytest.mark.parametrize("hz", [123.4, 1234.5, 6789.1])
def test_a_tone_is_named_where_it_is_and_as_loud_as_it_is(reference: Reference, hz: float) -> None:
    (found,) = unusual(noise(100) + tone(hz, 0.006), reference)
    assert found.kind == "line"
    assert found.centre_hz == pytest.approx(hz, abs=1)
    assert (found.rank, found.is_louder, found.start_s) == (0, True, None)
    healthy = []
    for seed in range(CLIPS):
        at, powers = welch(noise(seed), RATE_HZ, nperseg=8192, scaling="spectrum")
        near = np.abs(at - hz) <= max(0.015 * hz, 2 * at[1])
        healthy.append(10 * np.log10(2 * powers[near].max()))
    expected = 20 * np.log10(0.006)
    assert found.decibels == pytest.approx(expected - np.median(healthy), abs=1.5)
    assert found.beyond_db == pytest.approx(expected - np.max(healthy), abs=1.5)


def test_harmonics_are_one_difference(reference: Reference) -> None:
    sound = sum((tone(100 * k, 0.006) for k in (3, 4, 5, 6, 8)), noise(101))
    (found,) = unusual(sound, reference)
    assert found.harmonics_of_hz == pytest.approx(100, abs=0.3)
    assert found.lines_hz == pytest.approx((300, 400, 500, 600, 800), abs=1)


def test_sidebands_are_one_difference_of_a_carrier(reference: Reference) -> None:
    sound = sum((tone(2000 + 77 * k, 0.01 / (1 + abs(k))) for k in (-2, -1, 0, 1, 2)), noise(102))
    found, *others = unusual(sound, reference)
    assert [each.kind for each in others] == ["pulse"]  # what is modulated pulses, too
    assert others[0].centre_hz == pytest.approx(77, abs=0.5)
    assert found.centre_hz == pytest.approx(2000, abs=1)
    assert found.harmonics_of_hz is None
    assert found.spacing_hz == pytest.approx(77, abs=0.5)
    assert len(found.lines_hz) == 5


def test_a_line_that_only_moved_as_far_as_it_does_is_no_difference(hum: Reference) -> None:
    for seed in range(200, 205):
        assert not [each for each in unusual(humming(seed), hum) if each.is_outside]


def test_a_machine_that_runs_faster_has_moved_lines_and_no_new_ones(hum: Reference) -> None:
    found = unusual(humming(206, speed=1.03), hum)
    moved = found[0]
    assert moved.kind == "moved"
    assert moved.centre_hz / moved.usual_hz[1] == pytest.approx(1.03, abs=0.004)
    assert len(moved.lines_hz) == 3
    assert moved.is_outside
    assert not [each for each in found if each.kind == "line"]


def test_a_line_that_is_gone_is_missed(hum: Reference) -> None:
    (found,) = unusual(noise(207) + tone(80, 0.02) + tone(240, 0.02), hum)
    assert found.kind == "line"
    assert not found.is_louder
    assert found.centre_hz == pytest.approx(160, abs=1)
    assert found.beyond_db < -5


def test_a_louder_band_is_named_by_its_edges(reference: Reference) -> None:
    band = sosfilt(butter(8, (2000, 4000), "bandpass", fs=RATE_HZ, output="sos"), noise(7))
    (found,) = unusual(noise(103) + band.astype(np.float32), reference)
    assert found.kind == "band"
    assert found.low_hz == pytest.approx(2000, rel=0.05)
    assert found.high_hz == pytest.approx(4000, rel=0.05)
    assert found.decibels == pytest.approx(3, abs=0.5)  # as much again
    assert found.start_s is None


def test_a_louder_copy_differs_in_its_level_alone(reference: Reference) -> None:
    (found,) = unusual(2 * noise(104), reference)
    assert found.kind == "level"
    assert found.decibels == pytest.approx(6, abs=0.3)
    assert found.rank == 0


def test_a_missing_stroke_is_a_pause_at_its_time(stroking: Reference) -> None:
    phase = np.random.default_rng(300).uniform(0, 0.3)
    found = unusual(strokes(300, missing=3), stroking)[0]
    assert found.kind == "time"
    assert not found.is_louder
    assert found.start_s == pytest.approx(2.5 + phase, abs=0.15)
    assert found.end_s == pytest.approx(4 + phase, abs=0.15)
    if found.longest_s is not None:
        assert found.longest_s == pytest.approx(0.5, abs=0.15)


def test_a_burst_is_named_with_its_seconds(reference: Reference) -> None:
    sound = noise(105)
    sound[2 * RATE_HZ : 2 * RATE_HZ + RATE_HZ // 2] *= 3
    found = unusual(sound, reference)[0]
    assert found.kind == "time"
    assert found.start_s == pytest.approx(2, abs=0.1)
    assert found.end_s == pytest.approx(2.5, abs=0.1)
    assert found.decibels == pytest.approx(20 * np.log10(3), abs=3)


def test_pauses_that_a_hiss_fills_are_told(stroking: Reference) -> None:
    found = unusual(strokes(301) + 0.4 * noise(8), stroking)
    filled = [each for each in found if each.kind == "time" and each.start_s is None]
    assert filled
    assert filled[0].decibels == pytest.approx(20 * np.log10(np.hypot(0.4, 0.1) / 0.1), abs=1.5)


def test_blows_too_weak_for_a_line_are_pulses_at_their_rate(reference: Reference) -> None:
    slip = np.cumsum(1 + 0.01 * np.random.default_rng(0).standard_normal(87 * SECONDS))
    blows = slip[slip < 87 * SECONDS] / 87
    found = unusual(noise(106) + knocks(blows, 0.2), reference)
    assert found[0].kind == "pulse"
    assert found[0].harmonics_of_hz or found[0].centre_hz == pytest.approx(87, rel=0.02)
    assert found[0].low_hz < 4500 < found[0].high_hz


def test_a_healthy_clip_hardly_ever_has_anything_beyond_1(reference: Reference) -> None:
    beyond = [
        any(each.is_outside for each in unusual(noise(seed), reference)) for seed in range(400, 440)
    ]
    assert np.mean(beyond) <= 0.4


@pytest.mark.parametrize("clips", [1, 2, 4, 7])
def test_few_healthy_clips_say_little(clips: int) -> None:
    few = Reference.of((noise(seed) for seed in range(clips)), RATE_HZ)
    beyond = [bool(unusual(noise(seed), few)) for seed in range(500, 520)]
    assert np.mean(beyond) <= 0.4
    assert unusual(noise(520) + tone(1000, 0.03), few)[0].centre_hz == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_differs_in_its_level_alone(reference: Reference, level: float) -> None:
    (found,) = differences(np.full(RATE_HZ * 3, level, np.float32), reference)
    assert found.kind == "level"
    assert found.decibels < -60


def test_silent_and_clipped_clips_are_measured_like_any(reference: Reference) -> None:
    clipped = np.sign(noise(107))
    half = noise(108)
    half[: len(half) // 2] = 0
    assert differences(clipped, reference)[0].kind == "level"
    assert not differences(half, reference)[0].is_louder
    silent = Reference.of([np.zeros(RATE_HZ, np.float32)] * 9, RATE_HZ)
    assert differences(np.zeros(RATE_HZ, np.float32), silent) == ()
    assert differences(noise(0), silent)[0].is_louder


@pytest.mark.parametrize("rate_hz", [1_000, 4_000, 8_000, 22_050, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("seconds", [0.3, 1, 2.5])
def test_any_rate_and_length_is_measured(rate_hz: int, seconds: float) -> None:
    heard = Reference.of((noise(seed, rate_hz, seconds) for seed in range(9)), rate_hz)
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    sung = noise(600, rate_hz, seconds)
    sung += (0.2 * np.sin(2 * np.pi * 222 * t)).astype(np.float32)
    lines = [each for each in unusual(sung, heard) if each.kind == "line"]
    assert lines[0].centre_hz == pytest.approx(222, abs=heard.resolution.bin_hz)


@pytest.mark.parametrize("seed", range(3))
def test_what_a_difference_measures_is_measured_alike_in_any_clip(
    reference: Reference, seed: int
) -> None:
    compared = comparison(reference)
    plain = noise(700 + seed)
    burst = plain.copy()
    burst[RATE_HZ : 2 * RATE_HZ] *= 4
    whine = plain + tone(3000, 0.02)
    rattling = plain + knocks(np.arange(0, SECONDS, 1 / 60), 0.3)
    for changed in (burst, whine, rattling, 3 * plain):
        found = differences(changed, reference)[0]
        again = compared.decibels(found, compared.heard(changed))
        assert again == pytest.approx(found.decibels, abs=1)
        assert compared.decibels(found, compared.heard(plain)) < 0.5 * found.decibels
