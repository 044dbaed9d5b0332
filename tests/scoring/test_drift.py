"""When days stand apart from the first ones, and what that matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.minutes import MINUTES_A_DAY
from rattle.scoring.drift import FIRST_DAYS, Shift, matters, rate_factor, shift_of

Values = NDArray[np.float64]
DAYS = 60


def days(seed: int, shift: float = 0.0, on: int = 30) -> Values:
    """Medians of healthy days of deviation 1, higher by ``shift`` from a day on.

    The first ones have that mean and deviation exactly.
    """
    medians = np.random.default_rng(seed).standard_normal(DAYS)
    first = medians[:FIRST_DAYS]
    medians[:FIRST_DAYS] = (first - first.mean()) / first.std(ddof=1)
    medians[on:] += shift
    return medians


def exponential(seed: int = 0, weeks: int = 4) -> Tail:
    """The tail of minutes whose peaks are exponential with a mean of 1."""
    minutes = np.random.default_rng(seed).exponential(1.0, weeks * 7 * MINUTES_A_DAY)
    tail = Tail.of(minutes)
    assert tail is not None
    return tail


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lasting_shift_is_seen_within_days_and_dated(sign: int) -> None:
    begun = []
    for seed in range(20):
        medians = days(seed, 4.0 * sign)
        seen = next(day for day in range(30, DAYS) if shift_of(medians[: day + 1]))
        assert 31 <= seen <= 36, seed
        shift = shift_of(medians[: seen + 7])
        assert shift is not None
        begun.append(shift.since)
        assert 2.5 < sign * shift.by < 5.5
        assert 1 < sign * shift.sure < sign * shift.by
    assert max(begun) <= 30
    assert np.median(begun) >= 25


def test_nothing_is_said_of_the_first_fortnight() -> None:
    medians = days(0, 100.0, on=5)
    assert shift_of(medians[:FIRST_DAYS]) is None
    assert shift_of(np.empty(0)) is None


def test_a_day_alone_is_no_shift_however_far_it_is() -> None:
    medians = np.concatenate([days(3)[:30], [1e9], days(3)[:10]])
    assert all(shift_of(medians[:day]) is None for day in range(len(medians) + 1))


def test_what_is_as_before_again_is_no_shift_within_a_month() -> None:
    for seed in range(20):
        medians = np.concatenate([days(seed), days(seed)[30:] + 5.0, days(seed + 100)])
        medians[DAYS + 30 :] -= medians[DAYS + 30 :].mean() - medians[:FIRST_DAYS].mean()
        assert shift_of(medians[: DAYS + 30]) is not None
        after = [shift_of(medians[:day], goes_on=True) for day in range(DAYS + 30, DAYS + 30 + 8)]
        # What it amounts to is gone as soon as most of the last seven days are as before.
        assert after[-1] is None or abs(after[-1].by) < 2.5, seed
        assert shift_of(medians) is None, seed


@settings(max_examples=50)
@given(scale=st.floats(0.001, 1000), place=st.floats(-1000, 1000), shift=st.floats(-6, 6))
def test_it_does_not_depend_on_the_scale_of_the_score(
    scale: float, place: float, shift: float
) -> None:
    medians = days(1, shift)
    one, other = shift_of(medians), shift_of(place + scale * medians)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert other.since == one.since
        assert other.by == pytest.approx(scale * one.by, rel=1e-6, abs=1e-9 * scale)
        assert other.sure == pytest.approx(scale * one.sure, rel=1e-6, abs=1e-9 * scale)


def test_where_the_first_days_are_all_alike_any_other_stands_apart() -> None:
    medians = np.r_[np.ones(20), np.full(5, 1.0001)]
    shift = shift_of(medians)
    assert shift is not None
    assert shift.since == 20
    assert shift.by == shift.sure == pytest.approx(0.0001)
    assert shift_of(np.ones(30)) is None


def test_the_factor_is_how_often_the_threshold_was_passed_before() -> None:
    tail = exponential()
    level = tail.level(1.0)
    # Exponential peaks: e times as many for each mean that all of it is higher.
    assert rate_factor(tail, level, 1.0) == pytest.approx(np.e, rel=0.25)
    assert rate_factor(tail, level, -1.0) == pytest.approx(1 / np.e, rel=0.25)
    assert rate_factor(tail, level, 0.0) == 1.0


def test_no_rate_is_made_up_below_the_base() -> None:
    tail = exponential()
    level = tail.level(1.0)
    most = tail.base_per_week / tail.expected_per_week(level)
    assert rate_factor(tail, level, -1e6) == pytest.approx(1 / most)


def test_a_drift_begins_where_it_is_sure_and_ends_where_it_seems_less() -> None:
    tail = exponential()
    level = tail.level(1.0)
    little, enough = Shift(20, 2.0, 0.3), Shift(20, 2.0, 1.5)
    assert matters(tail, level, enough)
    assert not matters(tail, level, little)
    assert matters(tail, level, little, goes_on=True)
    assert not matters(tail, level, Shift(20, 0.3, 0.0), goes_on=True)
    # Softer, too: then it is the threshold that has become deaf.
    assert matters(tail, level, Shift(20, -2.0, -1.5))


def test_one_healthy_year_in_four_at_most_is_called_drifted() -> None:
    """Days as they come, with a tail whose rate doubles for half of their deviation."""
    tail = exponential()
    level, told = tail.level(1.0), 0
    for seed in range(40):
        medians = 1.4 * np.random.default_rng(seed).standard_normal(365)
        shifts = (shift_of(medians[:day]) for day in range(15, 366))
        told += any(matters(tail, level, shift) for shift in shifts if shift is not None)
    assert told <= 10
