"""Tell that a machine has come to sound otherwise, slowly or at once, and stays so; numpy only.

A day is one number, the median of its M (``budget.minutes``): neither a fault of some hours nor a
bang moves it. It is held against the first 14 days by a cumulative sum (Page, *Continuous
inspection schemes*, Biometrika 41, 1954), one for each direction:

    S_d = min(max(S_{d-1} + clip(z_d, -4, 4) - k, 0), h + 4)      z_d = (m_d - m_0) / s

with m_0 and s the mean and the standard deviation of the first 14 days, k = 0.5 and h = 8. There is
a shift where S > h, and it goes on while S > 0. It began on the day after S was last 0. No day
counts for more than 4, so it takes three at the least; S stays below h + 4, so that it falls to 0
within a month of days that are as the first ones.

What a shift matters is said by the tail of M (``budget.fit.Tail``): how many times as often the
threshold in force is passed now as it would have been before. A drift begins where that changes by
a factor of 2 for sure, by two standard errors less than the shift seems; it ends where it seems
less. Fourteen days are few, and where a tail ends soon the rate doubles with next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.rule import Values

SLACK, LIMIT, LARGEST_STEP = 0.5, 8.0, 4.0
FIRST_DAYS, RECENT_DAYS = 14, 7
SURE = 2.0  # standard errors
# A day of which less was heard says nothing.
LEAST_MINUTES = 120
# By how much, up or down, the expected rate has to change.
FACTOR = 2.0


@dataclass(frozen=True)
class Shift:
    """Days that stand apart from the first ones.

    since: the place of the day that it began with. by: how much higher the last days are, at most
    seven, in units of the score; below 0 where they are lower. sure: what of that is no accident of
    so few days, of the same sign or 0.
    """

    since: int
    by: float
    sure: float


def shift_of(medians: Values, *, goes_on: bool = False) -> Shift | None:
    """Find whether the newest of the days' ``medians [D]`` stand apart from the first 14.

    ``goes_on`` is for where they were found to do so before. None where they do not, and where
    there are no more than 14.
    """
    first, later = medians[:FIRST_DAYS], medians[FIRST_DAYS:]
    if not len(later):
        return None
    usual, spread = float(first.mean()), float(first.std(ddof=1))
    off = later - usual
    # Where the first days are all alike, whatever differs stands apart.
    steps = off / spread if spread > 0 else np.sign(off) * LARGEST_STEP
    sums = {sign: _sum(sign * steps) for sign in (1.0, -1.0)}
    sign = max(sums, key=lambda each: sums[each][1])
    since, total = sums[sign]
    if total <= (0.0 if goes_on else LIMIT):
        return None
    last = later[max(since, len(later) - RECENT_DAYS) :]
    by = float(np.median(last)) - usual
    error = spread * (1 / len(first) + 1 / len(last)) ** 0.5
    return Shift(FIRST_DAYS + since, by, sign * max(sign * by - SURE * error, 0.0))


def rate_factor(tail: Tail, threshold: float, by: float) -> float:
    """Say how many times as often ``threshold`` is passed as before M became higher by ``by``.

    ``tail`` is that of the M as they are now. Below its base nothing is known of it, so the rate
    there is taken for no higher than at the base.
    """
    now, before = (
        tail.expected_per_week(max(level, tail.base)) for level in (threshold, threshold + by)
    )
    return now / max(before, np.finfo(np.float64).tiny)


def matters(tail: Tail, threshold: float, shift: Shift, *, goes_on: bool = False) -> bool:
    """Tell whether a shift is a drift; ``goes_on`` where it was one on the day before."""
    factor = rate_factor(tail, threshold, shift.by if goes_on else shift.sure)
    return not 1 / FACTOR < factor < FACTOR


def _sum(steps: Values) -> tuple[int, float]:
    """The place of the day that an upward shift began with, and S after the last day."""
    total, since = 0.0, 0
    for place, step in enumerate(np.clip(steps, -LARGEST_STEP, LARGEST_STEP).tolist()):
        if total == 0:
            since = place
        total = min(max(total + step - SLACK, 0.0), LIMIT + LARGEST_STEP)
    return since, total
