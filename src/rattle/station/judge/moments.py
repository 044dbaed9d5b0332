"""Choose the oddest minutes of a week, of those that raised nothing, for a person to listen to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

MOST = 5
SINCE = timedelta(days=7)
# The first minutes have nothing to be compared with.
AFTER_MINUTES = 10
# What is so near to a moment is of the same one, and offered again where it is higher.
APART = timedelta(minutes=10)


class OddMoments:
    """The five highest moments of the last week so far.

    ``before`` are those that were offered before the station ended: when, and how high.
    """

    def __init__(self, before: Iterable[tuple[datetime, float]] = ()) -> None:
        self._moments = list(before)
        self._heard = AFTER_MINUTES if self._moments else 0

    def minute(self, at: datetime, highest: float) -> bool:
        """Take a minute's highest Y, and when that was; say whether it is to be offered."""
        self._heard += 1
        self._moments = [each for each in self._moments if at - each[0] < SINCE]
        near = [each for each in self._moments if abs(at - each[0]) < APART]
        if any(highest <= peak for _, peak in near):
            return False
        self._moments = [each for each in self._moments if each not in near] + [(at, highest)]
        if len(self._moments) <= MOST:
            return self._heard > AFTER_MINUTES
        lowest = min(self._moments, key=lambda each: each[1])
        self._moments.remove(lowest)
        return lowest[0] != at and self._heard > AFTER_MINUTES
