"""The threshold solves its equation, and pays for what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.scoring.budget.fit import AIM, Experience, Tail
from rattle.scoring.budget.minutes import MINUTES_A_WEEK, incidents

RNG = np.random.default_rng(7)
MINUTES = RNG.gumbel(size=4 * MINUTES_A_WEEK)


def tail(minutes: int = len(MINUTES)) -> Tail:
    found = Tail.of(MINUTES[:minutes])
    assert found is not None
    return found


@pytest.mark.parametrize("minutes", [120, 1440, 4 * MINUTES_A_WEEK])
@pytest.mark.parametrize("budget", [0.1, 1.0, 7.0])
def test_the_expected_rate_is_the_aim(minutes: int, budget: float) -> None:
    of = tail(minutes)
    threshold = of.threshold(budget)
    rate = (of.peaks + 0.5) / of.weeks * of.pareto.survival(threshold.value - of.base)
    assert rate == pytest.approx(AIM * budget, rel=1e-6)
    assert threshold.expected_per_week == pytest.approx(rate)
    assert threshold.upper_per_week >= threshold.expected_per_week


def test_a_healthy_year_has_about_as_many_incidents_as_expected() -> None:
    value = tail().threshold(1.0).value
    year = np.random.default_rng(8).gumbel(size=52 * MINUTES_A_WEEK)
    assert 0.4 < len(incidents(year, value)[0]) / 52 < 1.1


def test_less_heard_costs_more_and_says_so() -> None:
    little, much = tail(240).threshold(1.0), tail().threshold(1.0)
    assert little.value > much.value
    assert little.margin > 5 * much.margin
    assert (little.peaks, much.peaks) == (4, 100)


def test_a_larger_budget_is_a_lower_threshold() -> None:
    values = [tail().threshold(budget).value for budget in (0.1, 1.0, 7.0)]
    assert values == sorted(values, reverse=True)


def test_bad_experience_raises_the_threshold_and_good_experience_does_not_lower_it() -> None:
    usual = tail().threshold(1.0)
    assert tail().threshold(1.0, Experience(0, 4.0)) == usual
    worse = tail().threshold(1.0, Experience(9, 2.0))
    rho = (3 + 9) / (3 + AIM * 2)
    assert Experience(9, 2.0).excess(1.0) == pytest.approx(rho)
    assert worse.value > usual.value
    # What is expected is what was had, and not what the tail alone would say.
    assert worse.expected_per_week == pytest.approx(AIM)


def test_a_peak_that_must_not_be_silenced_keeps_the_threshold_below_it() -> None:
    usual = tail().threshold(1.0)
    held = tail().threshold(1.0, not_above=[usual.value + 1, usual.value - 1])
    assert held.value < usual.value - 1
    assert held.expected_per_week > usual.expected_per_week


def test_what_is_left_out_is_not_learnt() -> None:
    loud = MINUTES.copy()
    loud[5000:5200] += 40
    out = np.zeros(len(loud), dtype=np.bool_)
    out[4990:5210] = True
    calm, without, with_it = Tail.of(MINUTES), Tail.of(loud, out), Tail.of(loud)
    assert calm is not None
    assert without is not None
    assert with_it is not None
    usual = calm.threshold(1.0).value
    assert without.threshold(1.0).value == pytest.approx(usual, rel=0.05)
    assert with_it.threshold(1.0).value > 1.1 * usual


def test_the_upper_bound_holds_in_nineteen_of_twenty_machines() -> None:
    rng = np.random.default_rng(9)
    held = []
    for _ in range(60):
        of = Tail.of(rng.gumbel(size=7 * 1440))
        assert of is not None
        threshold = of.threshold(1.0)
        # M is Gumbel and independent, so that the true rate is known.
        rate = -np.expm1(-np.exp(-threshold.value)) * MINUTES_A_WEEK
        held.append(rate <= threshold.upper_per_week)
    assert np.mean(held) >= 0.88


@pytest.mark.parametrize("minutes", [np.zeros(0), np.ones(5000), np.arange(40.0)])
def test_nothing_is_said_of_a_tail_that_is_not_there(
    minutes: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    assert Tail.of(minutes) is None
