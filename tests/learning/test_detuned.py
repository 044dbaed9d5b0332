"""Detuned copies: how many, how far, and what a machine's own wandering has to do with it."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.learning.detuned import MOST_COPIES, SMALLEST, line_spread, speeds
from rattle.scoring.spectrum import spectra
from rattle.synthetic import detuned

RATE_HZ, LENGTH = 16_000, 65_536


def machine(seed: int, speed: float = 1.0) -> np.ndarray:
    """A machine of thirty lines in noise, at some speed."""
    lines_hz = np.random.default_rng(99).uniform(150, 6000, 30)
    rng = np.random.default_rng(seed)
    time_s = np.arange(LENGTH) / RATE_HZ
    phases = rng.uniform(0, 2 * np.pi, 30)
    tones = np.sin(2 * np.pi * speed * lines_hz[:, None] * time_s + phases[:, None]).sum(axis=0)
    return (tones + 3 * rng.standard_normal(LENGTH)).astype(np.float32)


def spread_of(*speeds: float) -> float:
    windows = np.stack([machine(seed, speed) for seed, speed in enumerate(speeds)])
    return line_spread(list(spectra(windows)), RATE_HZ)


def test_the_fewer_machines_the_more_copies_and_eight_need_none() -> None:
    counts = [len(speeds(machines, 0.0)) for machines in range(1, 10)]
    assert counts == [MOST_COPIES, 6, 4, 2, 2, 1, 1, 0, 0]


def test_copies_lie_on_both_sides_and_no_nearer_than_the_smallest_stretch() -> None:
    copies = np.array(speeds(1, 0.0)) - 1
    assert (copies > 0).sum() == (copies < 0).sum()
    assert np.abs(copies).min() == pytest.approx(SMALLEST)
    assert len(set(np.abs(copies).round(6))) == MOST_COPIES // 2


def test_a_machine_whose_speed_wanders_has_its_copies_further_away() -> None:
    assert np.abs(np.array(speeds(1, 0.02)) - 1).min() == pytest.approx(0.08)
    assert all(0.5 <= speed <= 1.5 for speed in speeds(1, 0.5))
    assert len(speeds(1, 0.5)) == MOST_COPIES


def test_a_steady_machine_has_no_spread() -> None:
    assert spread_of(*[1.0] * 8) < 1e-3


def test_a_wandering_machine_has_the_spread_of_its_speed() -> None:
    wander = 0.01 * np.random.default_rng(3).standard_normal(16)
    expected = 1.4826 * np.median(np.abs(wander - np.median(wander)))
    assert spread_of(*(1 + wander)) == pytest.approx(expected, rel=0.2)


def test_noise_and_too_few_clips_have_no_say() -> None:
    assert spread_of(1.0, 1.05) == 0.0
    for seed in range(5):
        noise = np.random.default_rng(seed).standard_normal((12, LENGTH)).astype(np.float32)
        assert line_spread(list(spectra(noise)), RATE_HZ) == 0.0


@pytest.mark.parametrize("speed", [0.93, 0.985, 1.015, 1.1])
def test_a_copys_lines_lie_at_that_multiple_of_the_machines(speed: float) -> None:
    time_s = np.arange(LENGTH) / RATE_HZ
    tone = np.sin(2 * np.pi * 1000 * time_s).astype(np.float32)
    copy = detuned(tone, speed, sample_rate_hz=RATE_HZ)
    assert copy.shape == tone.shape
    assert copy.dtype == tone.dtype
    (spectrum,) = spectra(copy[None])
    line_hz = (spectrum.argmax() + 1) * RATE_HZ / LENGTH
    assert line_hz == pytest.approx(1000 * speed, abs=2)
