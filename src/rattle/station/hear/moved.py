"""Notice that a microphone was moved: what it hears of the machine is another level or colour.

A day of running is held against the days before: medians of hours, which are medians of minutes, so
that neither a fault of some hours nor a shift's load counts. It is kept in memory: after a restart
of the station, two days of running pass before it can tell again.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rattle.clips.recorder import FLOOR_DBFS, Traits
from rattle.scoring.budget.minutes import MINUTES_AN_HOUR
from rattle.station.judge.troubles import MOVED

MOVED_DB = 6.0
# A fault may be loud in a band or two; a microphone that was moved is in many.
LEAST_BANDS = 4
HOURS_A_DAY, MOST_DAYS = 24, 8


class Placement:
    """Levels of a source by hour of running: at most eight days, 17 numbers an hour."""

    def __init__(self) -> None:
        self._minutes: list[NDArray[np.float64]] = []
        self._hours: deque[NDArray[np.float64]] = deque(maxlen=HOURS_A_DAY * MOST_DAYS)
        self._asked_for = 0  # hours since it was first asked
        self._question = ""

    def minute(self, traits: Traits) -> str:
        """Take how a minute of running sounds; the question, or "" where there is none."""
        self._minutes.append(np.array([traits.level_dbfs, *traits.bands_dbfs]))
        if len(self._minutes) < MINUTES_AN_HOUR:
            return self._question
        self._hours.append(np.median(self._minutes, axis=0))
        self._minutes.clear()
        if self._question:
            self._asked_for += 1
            if self._asked_for >= HOURS_A_DAY:  # it has become usual
                self.accept()
        elif len(self._hours) >= 2 * HOURS_A_DAY:
            self._question = self._compared()
        return self._question

    def accept(self) -> None:
        """Take what it hears now for usual: someone looked, or a day has passed."""
        latest = list(self._hours)[-HOURS_A_DAY:]
        self._hours.clear()
        self._hours.extend(latest)
        self._asked_for, self._question = 0, ""

    def _compared(self) -> str:
        hours = np.array(self._hours)
        day, before = (
            np.median(part, axis=0) for part in (hours[-HOURS_A_DAY:], hours[:-HOURS_A_DAY])
        )
        louder = float(day[0] - before[0])
        if abs(louder) > MOVED_DB:
            than = "louder" if louder > 0 else "softer"
            return f"{MOVED} for a day the machine sounds {abs(louder):.0f} dB {than} than before"
        bands = np.maximum(day[1:], FLOOR_DBFS) - np.maximum(before[1:], FLOOR_DBFS)
        apart = int((np.abs(bands - np.median(bands)) > MOVED_DB).sum())
        if apart < LEAST_BANDS:
            return ""
        return (
            f"{MOVED} for a day {apart} of {len(bands)} frequency bands differ by more than "
            f"{MOVED_DB:g} dB from before"
        )
