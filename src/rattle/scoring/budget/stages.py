"""Say how far learning a machine's healthy sound has come, by the minutes heard of it."""

from __future__ import annotations

from typing import Literal

from rattle.scoring.budget.minutes import MINUTES_A_DAY

Stage = Literal["learning", "provisional", "settled"]

LEARNT_AFTER_MINUTES = 120
SETTLED_AFTER_MINUTES = 7 * MINUTES_A_DAY
# A fit looks back so far.
KEPT_MINUTES = 28 * MINUTES_A_DAY


def stage_of(minutes: int) -> Stage:
    """Name the stage: below two hours of running nothing is sent, until seven days it may change.

    >>> [stage_of(minutes) for minutes in (119, 120, 7 * 1440)]
    ['learning', 'provisional', 'settled']
    """
    if minutes < LEARNT_AFTER_MINUTES:
        return "learning"
    return "provisional" if minutes < SETTLED_AFTER_MINUTES else "settled"
