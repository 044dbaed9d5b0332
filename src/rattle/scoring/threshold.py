"""The threshold: for a false-alarm rate, from healthy clips that the model did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.pages.words import counted

# 49 clips times a rate of 1 / 49 is not quite 1 in floating point.
ROUNDING = 1e-9

# Scores of the same detector on another machine or thread count differ by rounding; by so much of
# their size, where that is above 1.
SCORES_AGREE_WITHIN = 1e-3

# Halvings of 0 ... 1 until the step is that of a double near 1.
BISECTIONS = 52


@dataclass(frozen=True)
class Threshold:
    """A score above which a clip is called anomalous, and what is known of its error.

    ``low`` and ``high`` bound the true false-alarm rate with 95 % confidence, given how many
    normal clips it was fitted on; ``supported`` says whether those could show the rate asked for.
    """

    value: float
    false_alarm_rate: float
    low: float
    high: float
    clips: int

    @property
    def supported(self) -> bool:
        """Whether a clip in (1 / rate) was there to be above the threshold."""
        return (self.clips + 1) * self.false_alarm_rate >= 1 - ROUNDING

    @property
    def warning(self) -> str | None:
        """What the user must know before relying on it, or None."""
        if self.supported:
            return None
        return (
            f"{counted(self.clips, 'healthy clip')} cannot show a false-alarm rate of "
            f"{self.false_alarm_rate:.1%}, which takes {self.needed - self.clips} more: the "
            f"threshold is the highest score among them, and the true rate may be anywhere from "
            f"{self.low:.1%} to {self.high:.1%}"
        )

    @property
    def needed(self) -> int:
        """How many normal clips can show the rate asked for."""
        return int(np.ceil(1 / self.false_alarm_rate - ROUNDING)) - 1


def remark_on(thresholds: Mapping[str, Threshold]) -> str | None:
    """Say in one sentence of which machines too few clips are known for the rate asked for.

    None where that is none. ``thresholds`` are those of machines by name, for one rate.
    """
    few = {name: of for name, of in thresholds.items() if not of.supported}
    if len(few) < 2:
        return next((f"{name}: {of.warning}" for name, of in few.items()), None)
    any_of = next(iter(few.values()))
    counts = ", ".join(f"{name} has {of.clips}" for name, of in few.items())
    return (
        f"too few healthy clips to show a false-alarm rate of {any_of.false_alarm_rate:.1%}, which "
        f"takes {any_of.needed}: {counts}. Each threshold is the highest score among them, and the "
        f"true rate may be up to {max(of.high for of in few.values()):.1%}"
    )


def silencing(scores: NDArray[np.float64]) -> float:
    """Give the lowest threshold above which none of these scores is, wherever it is computed."""
    highest = float(scores.max())
    return highest + SCORES_AGREE_WITHIN * max(abs(highest), 1.0)


def fit_threshold(normal_scores: NDArray[np.float64], false_alarm_rate: float) -> Threshold:
    """The order statistic whose expected false-alarm rate is at most the one asked for.

    Of n exchangeable scores the k-th largest is exceeded by a new normal clip with probability
    Beta(k, n + 1 - k), of mean k / (n + 1) (order statistics of a continuous distribution; the
    split-conformal quantile). The largest k with k / (n + 1) <= rate is taken, and where not even
    k = 1 reaches that, the largest score with ``supported`` false.
    """
    scores = np.sort(normal_scores)[::-1]
    n = len(scores)
    if n == 0:
        raise ValueError("a threshold needs at least one healthy clip")
    k = max(int(np.floor((n + 1) * false_alarm_rate + ROUNDING)), 1)
    low, high = beta_quantiles(np.array([0.025, 0.975]), k, n)
    return Threshold(float(scores[k - 1]), false_alarm_rate, float(low), float(high), n)


def beta_quantiles(shares: NDArray[np.float64], successes: int, trials: int) -> NDArray[np.float64]:
    """The x at which Beta(k, n + 1 - k) reaches each share, for k successes in n trials.

    Its distribution function at x is the chance of k or more successes in n trials of chance x, a
    sum of binomial terms that grows with x: bisection finds where it reaches a share. Same shape
    as ``shares``.
    """
    counts = np.arange(successes, trials + 1)
    log_factorial = np.concatenate([[0.0], np.log(np.arange(1, trials + 1)).cumsum()])
    log_ways = log_factorial[trials] - log_factorial[counts] - log_factorial[trials - counts]
    low, high = np.zeros_like(shares), np.ones_like(shares)
    for _ in range(BISECTIONS):
        x = ((low + high) / 2)[:, None]
        terms = np.exp(log_ways + counts * np.log(x) + (trials - counts) * np.log1p(-x))
        reached = terms.sum(axis=1) >= shares
        low, high = np.where(reached, low, x[:, 0]), np.where(reached, x[:, 0], high)
    return (low + high) / 2
