"""Fit the threshold that a healthy machine passes as often as the budget allows.

u solves   (n + 1/2) / T * E[(1 + xi (u - u0) / sigma)^(-1 / xi)] = 0.7 B / rho

with n peaks above u0 in T weeks of running, the mean over the posterior of xi and sigma, and B the
budget of false incidents a week. It aims at 0.7 of it, since no statistics foresees a state that
was never heard. rho = max(1, (3 + r) / (3 + 0.7 B t)) takes back what experience shows to be too
bold: r false incidents in t weeks of listening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.minutes import MINUTES_A_WEEK
from rattle.scoring.budget.pareto import NONE, Pareto
from rattle.scoring.budget.peaks import Peaks, find_peaks
from rattle.scoring.budget.rule import Values

AIM = 0.7
# Incidents that were had and expected before any was: how slowly experience is believed.
PATIENCE = 3.0
UPPER = 0.95
RATES = 64  # points of the rate's posterior by which the upper bound is found


@dataclass(frozen=True)
class Experience:
    """False incidents that there were in so many weeks of listening by such a threshold."""

    false_incidents: int = 0
    weeks: float = 0.0

    def excess(self, budget_per_week: float) -> float:
        """rho: how many times more there are than were meant; at least 1."""
        meant = AIM * budget_per_week * self.weeks
        return max(1.0, (PATIENCE + self.false_incidents) / (PATIENCE + meant))


@dataclass(frozen=True)
class BudgetThreshold:
    """A level of Y, and what is known of how often a healthy machine passes it.

    expected_per_week: incidents a week, the mean of the posterior times rho.
    upper_per_week: they are fewer with 95 % confidence, if what comes is like what was heard.
    margin: by how much it is higher than it would be if the tail were known, in units of the score.
    peaks, weeks: n and T.
    """

    value: float
    expected_per_week: float
    upper_per_week: float
    margin: float
    peaks: int
    weeks: float


@dataclass(frozen=True)
class Tail:
    """How often a healthy machine passes a level above ``base``."""

    base: float
    pareto: Pareto
    peaks: int
    weeks: float

    @classmethod
    def of(
        cls,
        minutes: Values,
        left_out: NDArray[np.bool_] | None = None,
        at_least: Values = NONE,
    ) -> Tail | None:
        """Learn it of ``minutes [T]`` of running, but for those ``left_out`` ``[T]``.

        ``at_least`` are levels ``[c]`` that so many incidents among those passed, of which nothing
        else is to be learnt: how far a possible fault went must not make the threshold rise, and
        that there was something must not be forgotten, or the tail would look cut off.

        None where fewer than five blocks of ten minutes are left, or all minutes are alike.
        """
        kept = np.arange(len(minutes)) if left_out is None else np.flatnonzero(~left_out)
        peaks: Peaks = find_peaks(minutes, kept)
        if not peaks.excesses.sum() > 0:
            return None
        pareto = Pareto.of(peaks.excesses, np.maximum(at_least - peaks.base, 0))
        count = len(peaks.excesses) + len(at_least)
        return cls(peaks.base, pareto, count, len(kept) / MINUTES_A_WEEK)

    @property
    def base_per_week(self) -> float:
        """Peaks above the base a week: (n + 1/2) / T, the mean of its posterior (Jeffreys)."""
        return (self.peaks + 0.5) / self.weeks

    def expected_per_week(self, level: float) -> float:
        """Incidents a week above a level: the mean of the posterior.

        Below the base, of which nothing was learnt, they are as many as above it, or more.
        """
        return self.base_per_week * self.pareto.survival(level - self.base)

    def upper_per_week(self, level: float) -> float:
        """Bound the incidents a week above a level with 95 % confidence.

        The rate of peaks is Gamma(n + 1/2, T), by Wilson and Hilferty's cube of a normal.
        """
        shares = (np.arange(RATES) + 0.5) / RATES
        normal = np.array([NormalDist().inv_cdf(share) for share in shares])
        shape = self.peaks + 0.5
        gamma = shape * np.maximum(1 - 1 / (9 * shape) + normal / (3 * np.sqrt(shape)), 0) ** 3
        survival = self.pareto.survival_of_each(level - self.base)
        rates = np.outer(survival, gamma / self.weeks).ravel()
        order = np.argsort(rates)
        weights = np.repeat(self.pareto.weights, RATES)[order].cumsum() / RATES
        return float(rates[order][min(int(np.searchsorted(weights, UPPER)), len(order) - 1)])

    def level(self, per_week: float) -> float:
        """The level above which ``per_week`` incidents are expected; not below the base."""
        return self.base + self.pareto.excess_of(per_week / self.base_per_week)

    def threshold(
        self,
        budget_per_week: float,
        experience: Experience = Experience(),
        *,
        not_above: Sequence[float] = (),
    ) -> BudgetThreshold:
        """Fit the threshold of a budget, not above a peak that must not be silenced.

        ``not_above`` are the highest minutes of incidents that were confirmed or that nobody has
        reviewed; the threshold stays below the lowest of them, whatever that costs.
        """
        rho = experience.excess(budget_per_week)
        aim = AIM * budget_per_week / rho
        known = Tail(self.base, self.pareto.likeliest, self.peaks, self.weeks)
        value = self.level(aim)
        margin = value - known.level(aim)
        if not_above:
            value = min(value, float(np.nextafter(min(not_above), -np.inf)))
        return BudgetThreshold(
            value,
            rho * self.expected_per_week(value),
            rho * max(self.upper_per_week(value), self.expected_per_week(value)),
            max(margin, 0.0),
            self.peaks,
            self.weeks,
        )
