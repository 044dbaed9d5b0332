"""One peak an incident, above the lowest level that gives few enough."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.scoring.budget.minutes import incidents
from rattle.scoring.budget.peaks import MOST_PEAKS, find_peaks


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(60, 4000), memory=st.floats(0, 0.99))
def test_peaks_are_the_highest_minutes_of_the_incidents_above_the_base(
    seed: int, count: int, memory: float
) -> None:
    noise = np.random.default_rng(seed).normal(size=count)
    minutes = np.empty(count)
    minutes[0] = noise[0]
    for place in range(1, count):
        minutes[place] = memory * minutes[place - 1] + noise[place]
    peaks = find_peaks(minutes)
    firsts, lasts = incidents(minutes, peaks.base)
    expected = [minutes[f : t + 1].max() - peaks.base for f, t in zip(firsts, lasts, strict=True)]
    assert peaks.excesses.tolist() == pytest.approx(expected)
    assert 1 <= len(expected) <= min(MOST_PEAKS, count // 50)


def test_the_base_is_the_lowest_level_with_few_enough_peaks() -> None:
    minutes = np.random.default_rng(0).normal(size=20_000)
    peaks = find_peaks(minutes)
    assert len(peaks.excesses) == MOST_PEAKS
    lower = minutes[minutes < peaks.base].max()
    assert len(incidents(minutes, lower)[0]) > MOST_PEAKS


def test_minutes_that_do_not_count_have_no_peak() -> None:
    minutes = np.random.default_rng(1).normal(size=2000)
    minutes[700:720] = 50.0
    kept = np.delete(np.arange(2000), np.arange(690, 730))
    assert find_peaks(minutes, kept).excesses.max() < 10
    assert find_peaks(minutes).excesses.max() > 40


@pytest.mark.parametrize("minutes", [np.zeros(0), np.zeros(30), np.full(500, 0.25)])
def test_there_is_no_peak_in_too_little_or_in_minutes_that_are_alike(
    minutes: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    assert not len(find_peaks(minutes).excesses)
