"""Choose the oddest minutes while a machine is being learnt, so that a person can listen."""

from __future__ import annotations

import heapq

MOST = 5
# The first minutes have nothing to be compared with.
AFTER_MINUTES = 10


class OddMoments:
    """The five highest minutes so far."""

    def __init__(self) -> None:
        self._highest: list[float] = []
        self._heard = 0

    def minute(self, highest: float) -> bool:
        """Take a minute's highest Y; say whether it is to be offered."""
        self._heard += 1
        if len(self._highest) < MOST:
            heapq.heappush(self._highest, highest)
            is_among = True
        else:
            is_among = highest > heapq.heappushpop(self._highest, highest)
        return is_among and self._heard > AFTER_MINUTES
