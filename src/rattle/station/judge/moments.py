"""Choose the oddest minutes of a week, of those that raised nothing, for a person to listen to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock

MOST = 5
SINCE = timedelta(days=7)
# The first minutes have nothing to be compared with.
AFTER_MINUTES = 10
# What is so near to a moment is of the same one, and offered again where it is higher.
APART = timedelta(minutes=10)
# So many of a machine are offered within a day; from the sixth on each has to stand out.
MOST_A_DAY, FREELY, DAY = 10, 5, timedelta(days=1)


class OfferedLately:
    """When moments of a machine were offered in the last day; its sources share it."""

    def __init__(self, before: Iterable[datetime] = ()) -> None:
        self._at = list(before)
        self._lock = Lock()

    def take(self, at: datetime, *, stands_out: bool) -> bool:
        """Say whether one more may be offered, and count it."""
        with self._lock:
            self._at = [each for each in self._at if abs(at - each) < DAY]
            may = len(self._at) < (MOST_A_DAY if stands_out else FREELY)
            if may:
                self._at.append(at)
            return may


class OddMoments:
    """The five highest moments of the last week so far, of those that were offered.

    ``before`` are those that were offered before the station ended: when, and how high.
    """

    def __init__(
        self,
        before: Iterable[tuple[datetime, float]] = (),
        offered: OfferedLately | None = None,
    ) -> None:
        self._moments = list(before)
        self._lately = list(self._moments)
        self._offered = offered or OfferedLately(at for at, _ in self._moments)
        self._heard = AFTER_MINUTES if self._moments else 0

    def minute(self, at: datetime, highest: float) -> bool:
        """Take a minute's highest Y, and when that was; say whether it is to be offered."""
        self._heard += 1
        week = [each for each in self._moments if abs(at - each[0]) < SINCE]
        others = [each for each in week if abs(at - each[0]) >= APART]
        others = sorted(others, key=lambda each: each[1])[-MOST:]
        near = [peak for moment, peak in week if abs(at - moment) < APART]
        if any(highest <= peak for peak in near):
            return False
        if len(others) == MOST and highest <= others[0][1]:
            return False
        is_first = self._heard <= AFTER_MINUTES
        if not is_first and not self._offered.take(at, stands_out=self._stands_out(at, highest)):
            return False
        self._moments = [*others[-(MOST - 1) :], (at, highest)]
        if not is_first:
            self._lately.append((at, highest))
        return not is_first

    def _stands_out(self, at: datetime, highest: float) -> bool:
        """Tell whether it is as far above the day's highest as this is above its lowest.

        A machine that grows louder would have all of its moments in the first minutes of it.
        """
        self._lately = [each for each in self._lately if abs(at - each[0]) < DAY]
        peaks = [peak for _, peak in self._lately]
        return not peaks or highest >= 2 * max(peaks) - min(peaks)
