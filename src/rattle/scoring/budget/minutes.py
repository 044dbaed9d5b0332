"""Keep of a sound the highest Y of each minute, and find the incidents in them.

    score   . . : . . . | . : | . . .      a window a second
    Y       . . . . . . : : : . . .        the K-th largest of the last N
    M       [    minute   ][  minute ..    its maximum, over 60 s of sound that was scored

An incident is a run of minutes with M above a level, ended by ten in a row that are not. Alarm,
count and fit use this one definition.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.rule import AlarmRule, Statistic, Values

MINUTE_S = 60.0
CALM_MINUTES = 10
MINUTES_AN_HOUR = 60
MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY

Places = NDArray[np.int64]


class MinuteClock:
    """Y of each hop, and M of each minute of sound that was scored.

    Time that was not scored counts for no minute: a machine at rest or a dead microphone neither
    fills nor ends one.
    """

    def __init__(self, rule: AlarmRule, hop_s: float) -> None:
        self._statistic = Statistic(rule)
        self._hop_s = hop_s
        self._scored_s, self._highest = 0.0, -np.inf

    def hop(self, score: float | None) -> tuple[float, float | None]:
        """Take the next window's score, None where it was not scored: Y, and M at a minute's end.

        A minute in which never K of N windows were scored has no M, and is none.
        """
        y = self._statistic.hop(score)
        if score is None:
            return y, None
        self._scored_s += self._hop_s
        self._highest = max(self._highest, y)
        if self._scored_s < MINUTE_S:
            return y, None
        highest = self._highest
        self._scored_s, self._highest = self._scored_s - MINUTE_S, -np.inf
        return y, highest if np.isfinite(highest) else None


def runs(places: Places, calm: int = CALM_MINUTES) -> tuple[Places, Places]:
    """Join ascending places that fewer than ``calm`` others lie between: firsts and lasts ``[n]``.

    >>> runs(np.array([3, 5, 30]))
    (array([ 3, 30]), array([ 5, 30]))
    """
    if not len(places):
        return places, places
    ends = np.flatnonzero(np.diff(places) > calm)
    return places[np.concatenate([[0], ends + 1])], places[np.concatenate([ends, [-1]])]


def incidents(minutes: Values, level: float, calm: int = CALM_MINUTES) -> tuple[Places, Places]:
    """Find the incidents among ``minutes [T]``: the first and last minute above, ``[n]`` each."""
    return runs(np.flatnonzero(minutes > level), calm)


def around(minutes: int, first: int, last: int, calm: int = CALM_MINUTES) -> slice:
    """The stretch that an incident's review is of: ten minutes either side, of so many."""
    return slice(max(first - calm, 0), min(last + calm + 1, minutes))
