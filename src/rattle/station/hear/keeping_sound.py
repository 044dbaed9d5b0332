"""Keep a little of a source's normal sound: 10 s at random of every ten minutes of it.

    windows  [ normal ][ normal ][ normal ][ normal ][  odd  ]   a window: some 8 s, one a second
    sound    ───────────────────────────────────────│············
                        [-- 10 s --]                └ in an odd window: not counted, not kept

Normal is what is fit, of a machine that runs, scored and below the threshold of a watch, while
nothing is open. Sound counts once every window that it is in is known to be normal, so that the
beginning of what turns out to be odd is not kept. Which 10 s it is follows from the source and from
when its ten minutes begin.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rattle.listening.windows import Window
from rattle.randomness import named_stream
from rattle.station.hear.recordings import Recordings
from rattle.station.hear.segment import Segment
from rattle.station.records import NormalHeard, Record

EVERY_S, PIECE_S = 600.0, 10.0


class NormalSound:
    """The normal sound of one source; places are seconds of the segment that goes on.

    It counts on from segment to segment, and anew after a restart: so that loses one piece at most.
    """

    def __init__(
        self,
        source_id: str,
        tell: Callable[[Record], None],
        is_normal: Callable[[float], bool],
    ) -> None:
        """``is_normal`` says whether a window of that score is normal at this moment."""
        self._source_id, self._tell, self._is_normal = source_id, tell, is_normal
        self._counted_s = 0.0  # of the ten minutes that go on
        self._due_s: float | None = None  # where in them the piece ends; None before they begin
        self._is_kept = False
        self._from_s: float | None = None  # where the stretch of normal sound begins
        self._known_s = self._end_s = 0.0  # up to where it is known to be normal; its last window
        self._odd_until_s = 0.0

    def window(
        self, window: Window, score: float | None, segment: Segment, recordings: Recordings
    ) -> None:
        """Take the next window; its ``score`` is None where it was unfit or the machine rested."""
        if score is None and not window.fault:
            self.pause(segment, recordings)
        elif score is not None and self._is_normal(score):
            self._take_normal(window, segment, recordings)
        else:
            self._take_odd(window, segment, recordings)

    def pause(self, segment: Segment, recordings: Recordings) -> None:
        """Note that the machine rests, or that the segment ends.

        What its last window holds is normal, too. Of a stretch shorter than 10 s all is kept, where
        it is due: a window at least.
        """
        self._reach(self._end_s, segment.window_s, segment, recordings)
        self._from_s = None

    def another_segment(self) -> None:
        """Count places anew; what was heard before ended with ``pause``, or is lost."""
        self._from_s, self._odd_until_s = None, 0.0

    def _take_normal(self, window: Window, segment: Segment, recordings: Recordings) -> None:
        if self._from_s is None:
            self._from_s = self._known_s = max(window.start_s, self._odd_until_s)
        self._end_s = window.end_s
        self._reach(window.start_s, PIECE_S, segment, recordings)

    def _take_odd(self, window: Window, segment: Segment, recordings: Recordings) -> None:
        self._reach(window.start_s, PIECE_S, segment, recordings)
        self._from_s = None
        self._odd_until_s = window.end_s

    def _reach(
        self, place_s: float, shortest_s: float, segment: Segment, recordings: Recordings
    ) -> None:
        """Go on to where the stretch is known to be normal; keep the piece that is due by then."""
        if self._from_s is None:
            return
        while place_s > self._known_s:
            if self._due_s is None:
                self._due_s = self._drawn(segment.time(self._known_s))
            reached_s = min(place_s, self._known_s + EVERY_S - self._counted_s)
            self._counted_s += reached_s - self._known_s
            self._known_s = reached_s
            if not self._is_kept and self._counted_s >= self._due_s:
                end_s = reached_s - (self._counted_s - self._due_s)
                end_s = min(max(end_s, self._from_s + PIECE_S), reached_s)
                if end_s >= self._from_s + shortest_s:
                    begin_s = max(end_s - PIECE_S, self._from_s)
                    self._keep(begin_s, end_s, segment, recordings)
            if reached_s < place_s:
                self._counted_s, self._due_s, self._is_kept = 0.0, None, False

    def _drawn(self, begins: float) -> float:
        """Draw where the piece of the ten minutes that begin then (UTC) ends."""
        randomness = named_stream(0, f"{self._source_id} {begins:.3f}")
        return float(randomness.uniform(PIECE_S, EVERY_S))

    def _keep(self, begin_s: float, end_s: float, segment: Segment, recordings: Recordings) -> None:
        self._is_kept = True
        self._tell(
            NormalHeard(
                source_id=self._source_id,
                start=datetime.fromtimestamp(segment.time(begin_s), UTC),
                sample_rate_hz=segment.rate_hz,
                samples=recordings.between(begin_s, end_s),
            )
        )
