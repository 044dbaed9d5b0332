"""Find sources that claim to be live and give no window; looked for by another thread than theirs.

A source's own thread cannot say that it hangs. Time is counted by a clock that nobody sets: where
the computer's own is put an hour ahead or back, no source is silent for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from rattle.station.board import Board, SourceNow
from rattle.station.judge.troubles import SourceTroubles

SILENT_AFTER_S = 60.0
# Others come when they come: a folder may get one recording a day.
STEADY_KINDS = ("device", "url", "push", "mqtt")

Moment = tuple[datetime | None, datetime | None]


class Watchdog:
    """Looks from time to time at every source. ``clock`` counts seconds."""

    def __init__(
        self,
        board: Board,
        troubles: Mapping[str, SourceTroubles],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board, self._troubles = board, troubles
        self._clock = clock
        # When a source was seen first as it is: connected and heard at those times.
        self._seen: dict[str, tuple[Moment, float]] = {}

    def look(self, now: datetime) -> list[SourceNow]:
        """Make an incident of each silent source, by id; it ends with the source's next window.

        One that is then known to be lost keeps its incident until it is heard. Returns those that
        are silent.
        """
        silent = []
        for source in self._board.sources().values():
            if source.state not in ("live", "unfit"):
                self._seen.pop(source.id, None)
                continue
            trouble = self._troubles.get(source.id)
            if trouble is None:  # another station listens to it
                continue
            if self._is_silent(source):
                reason = f"it claims to be live, and has given no window for {SILENT_AFTER_S:g} s"
                trouble.say("no windows", reason, now)
                silent.append(source)
            else:
                trouble.over("no windows", now)
        return silent

    def _is_silent(self, source: SourceNow) -> bool:
        if source.kind not in STEADY_KINDS:
            return False
        moment, at = (source.since, source.heard_at), self._clock()
        seen = self._seen.get(source.id)
        if seen is None or seen[0] != moment:
            self._seen[source.id] = (moment, at)
            return False
        return at - seen[1] >= SILENT_AFTER_S
