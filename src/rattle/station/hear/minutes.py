"""Collect what is kept of a source's minute, by the clock, and tell it when the minute is over.

Where less than a minute was heard, before a restart or at the end of a recording, it is told in
parts, which are joined where they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.minutes import MINUTE_S
from rattle.station.records import Embeddings, MinuteHeard, Operating, Record, as_float16

# A clock that is set back by less repeats no minute: what comes belongs to the one that goes on.
MOST_BACK = 2
# The time for which a source is lost is counted while it passes. Where it is more in one step, the
# computer slept or its clock was set: the station was not listening, and no minute says so.
LONGEST_STEP_S = 600.0


@dataclass(frozen=True)
class Peak:
    """The highest Y of a minute, when its window ended, and that window's embedding ``[D]``."""

    y: float
    at: float
    z: NDArray[np.float32]


@dataclass
class _Minute:
    number: int
    scores: list[float] = field(default_factory=list)
    peak: Peak | None = None
    ms: list[float] = field(default_factory=list)
    powers: list[float] = field(default_factory=list)
    running_s: float = 0.0
    lost_s: float = 0.0
    fitness: str = ""
    is_told: bool = True  # nothing to tell yet


@dataclass(frozen=True)
class MinuteOver:
    """A minute that ended; ``peak`` is None where no window of it was scored."""

    peak: Peak | None


class Minutes:
    """The minute that goes on. Times are UTC, seconds since 1970.

    ``operating``, ``release_id``, ``encoder`` and ``heard`` are what they are at its end.
    """

    def __init__(self, source_id: str, tell: Callable[[Record], None]) -> None:
        self._source_id, self._tell = source_id, tell
        self._minute: _Minute | None = None
        self._ends: list[float] = []
        self._z: list[NDArray[np.float32]] = []
        self.operating: Operating = "unknown"
        self.release_id = self.encoder = ""
        self.heard = 0

    def reach(self, at: float) -> list[MinuteOver]:
        """Go on to a time: the minutes that are over by then are told."""
        number = int(at // MINUTE_S)
        minute = self._minute
        if minute is None:
            self._minute = _Minute(number)
            return []
        if minute.number - MOST_BACK <= number <= minute.number:
            return []
        over = [self._close(minute)]
        self._minute = _Minute(number)
        return over

    def second(self, level_db: float | None, running_s: float) -> None:
        """Take a second of sound of the minute that goes on, and how much of it the machine ran."""
        minute = self._now()
        minute.running_s = round(min(minute.running_s + running_s, MINUTE_S), 3)
        if level_db is not None:
            minute.powers.append(10 ** (level_db / 10))

    def window(
        self,
        at: float,
        score: float | None,
        y: float | None,
        m: float | None,
        fault: str,
        z: NDArray[np.float32],
    ) -> None:
        """Take a window that ended at ``at``, and M where it ended a minute of scored sound."""
        minute = self._now()
        minute.scores.append(np.nan if score is None else score)
        if y is not None and (minute.peak is None or y > minute.peak.y):
            minute.peak = Peak(y, at, z)
        if m is not None:
            minute.ms.append(m)
        if fault and not minute.fitness:
            minute.fitness = fault

    def embedding(self, at: float, z: NDArray[np.float32]) -> None:
        """Keep the embedding ``[D]`` of a window that was scored."""
        self._ends.append(at)
        self._z.append(z)

    def lost(self, since: float, until: float) -> list[MinuteOver]:
        """Count time without sound."""
        over: list[MinuteOver] = []
        if until - since > LONGEST_STEP_S:
            return self.reach(until)
        while since < until:
            over += self.reach(since)
            minute = self._now()
            end = min((int(since // MINUTE_S) + 1) * MINUTE_S, until)
            minute.lost_s = round(min(minute.lost_s + end - since, MINUTE_S), 3)
            since = end
        return over + self.reach(until)

    def another_release(self) -> None:
        """Drop M of the minute: the release that comes did not judge it, and the row is its."""
        if self._minute is not None:
            self._minute.ms.clear()
        self.flush_embeddings()

    def tell_so_far(self) -> None:
        """Tell the part of the minute that was heard; what follows is a part of its own."""
        if self._minute is not None:
            number = self._minute.number
            self._close(self._minute)
            self._minute = _Minute(number)

    def flush_embeddings(self) -> None:
        """Tell the embeddings that were not told yet."""
        if not self._z:
            return
        z = as_float16(np.stack(self._z))
        self._tell(Embeddings(self._source_id, self.encoder, np.array(self._ends), z))
        self._ends, self._z = [], []

    def _now(self) -> _Minute:
        assert self._minute is not None  # noqa: S101
        self._minute.is_told = False
        return self._minute

    def _close(self, minute: _Minute) -> MinuteOver:
        if not minute.is_told:
            self._tell_of(minute)
        self.flush_embeddings()
        return MinuteOver(minute.peak)

    def _tell_of(self, minute: _Minute) -> None:
        level = 10 * np.log10(np.mean(minute.powers)) if minute.powers else None
        self._tell(
            MinuteHeard(
                source_id=self._source_id,
                release_id=self.release_id,
                at=datetime.fromtimestamp(minute.number * MINUTE_S, UTC),
                scores=np.array(minute.scores, np.float32),
                highest=None if minute.peak is None else minute.peak.y,
                minutes=tuple(minute.ms),
                heard=self.heard,
                level_db=None if level is None else round(float(level), 2),
                running_s=minute.running_s,
                lost_s=minute.lost_s,
                operating=self.operating,
                fitness=minute.fitness,
            )
        )
