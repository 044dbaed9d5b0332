"""Cut recordings from a source's sound, once the sound has come far enough.

             incident begins
───────────────────┬────────────────▶
   [---- 20 s ----]|[-- 10 s --]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from rattle.station.hear.ring import Ring
from rattle.station.hear.segment import Segment
from rattle.station.records import ClipHeard, ClipUse, Record

BEFORE_S, AFTER_S = 20.0, 10.0


@dataclass(frozen=True)
class _Wanted:
    start_s: float
    end_s: float
    use: ClipUse
    incident_id: str
    peak: float | None


class Recordings:
    """The recordings of one segment; places are seconds of it."""

    def __init__(self, source_id: str, segment: Segment, tell: Callable[[Record], None]) -> None:
        self._source_id, self._segment, self._tell = source_id, segment, tell
        self._ring = Ring(segment.rate_hz, segment.channels)
        self._wanted: list[_Wanted] = []

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take the next sound ``[T, channels]``."""
        self._ring.push(samples)

    def between(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Give what there still is of a stretch, ``[T, channels]``."""
        return self._ring.between(start_s, end_s)[1]

    def want(self, at_s: float, use: ClipUse, incident_id: str, peak: float | None) -> None:
        """Ask for a recording from 20 s before a place to 10 s after it."""
        self._wanted.append(_Wanted(at_s - BEFORE_S, at_s + AFTER_S, use, incident_id, peak))

    def cut(self, until_s: float = math.inf) -> None:
        """Tell the recordings that end by then; with the end of the segment all, as they are."""
        if not self._wanted:
            return
        for wanted in [each for each in self._wanted if each.end_s <= until_s]:
            self._wanted.remove(wanted)
            start_s, samples = self._ring.between(wanted.start_s, wanted.end_s)
            self._tell(
                ClipHeard(
                    source_id=self._source_id,
                    incident_id=wanted.incident_id,
                    use=wanted.use,
                    start=datetime.fromtimestamp(self._segment.time(start_s), UTC),
                    sample_rate_hz=self._segment.rate_hz,
                    samples=samples,
                    peak=wanted.peak,
                )
            )
