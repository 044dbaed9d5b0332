"""The spectra that are drawn: a tone stands out where it is, at any rate."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.diagnosis.reference import Reference
from rattle.diagnosis.seen import LOWEST_HZ, POINTS, SeenSpectrum, seen_spectrum

RATES_HZ = (1000, 8000, 16_000, 48_000)


def noise(seed: int, rate_hz: int) -> np.ndarray:
    return (0.05 * np.random.default_rng(seed).standard_normal(2 * rate_hz)).astype(np.float32)


def seen(clip: np.ndarray, rate_hz: int) -> SeenSpectrum:
    return seen_spectrum(clip, Reference.of((noise(s, rate_hz) for s in range(8)), rate_hz))


def with_tone(hz: float, rate_hz: int) -> np.ndarray:
    at_s = np.arange(2 * rate_hz) / rate_hz
    return (noise(99, rate_hz) + 0.05 * np.sin(2 * np.pi * hz * at_s)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate_hz", "hz"),
    [(1000, 50), (1000, 444), (16_000, 25), (16_000, 123.4), (16_000, 7000), (48_000, 20_000)],
)
def test_a_tone_stands_above_the_healthy_range_at_its_frequency_alone(
    rate_hz: int, hz: float
) -> None:
    found = seen(with_tone(hz, rate_hz), rate_hz)
    above = found.clip - found.highest
    place = int(np.argmax(above))
    bin_hz = Reference.of([noise(0, rate_hz)], rate_hz).resolution.bin_hz
    until = found.hz[place + 1] if place + 1 < len(found.hz) else rate_hz / 2
    assert found.hz[place] - bin_hz <= hz <= until + bin_hz
    assert above[place] > 6
    elsewhere = np.abs(found.hz / hz - 1) > 0.25
    assert (above[elsewhere] < 5).all()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_points_ascend_from_20_hz_to_half_the_rate_and_no_bin_is_left_out(rate_hz: int) -> None:
    found = seen(noise(50, rate_hz), rate_hz)
    assert (np.diff(found.hz) > 0).all()
    assert len(found.hz) <= POINTS
    bin_hz = Reference.of([noise(0, rate_hz)], rate_hz).resolution.bin_hz
    assert LOWEST_HZ <= found.hz[0] < LOWEST_HZ + bin_hz
    assert rate_hz / 2 * 0.97 < found.hz[-1] <= rate_hz / 2
    shapes = {getattr(found, name).shape for name in ("clip", "lowest", "middle", "highest")}
    assert shapes == {found.hz.shape}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_range_holds_the_middle_and_a_healthy_clip_most_of_the_time(rate_hz: int) -> None:
    found = seen(noise(50, rate_hz), rate_hz)
    assert (found.lowest <= found.middle).all()
    assert (found.middle <= found.highest).all()
    inside = (found.lowest - 1 <= found.clip) & (found.clip <= found.highest + 1)
    assert inside.mean() > 0.7


def test_a_louder_copy_is_drawn_where_the_clip_is() -> None:
    one, other = (seen(factor * noise(50, 16_000), 16_000) for factor in (1, 4))
    np.testing.assert_allclose(one.clip, other.clip, atol=0.1)


def test_a_silent_clip_is_drawn_and_not_above_the_healthy_ones() -> None:
    found = seen(np.zeros(32_000, np.float32), 16_000)
    assert np.isfinite(found.clip).all()
    assert (found.clip <= found.highest).all()
