"""Let what ears tell wait to be written; whoever tells never waits.

    ear -- put --> sounds (recordings, normal sound, embeddings) -- to files --> rows -- to the
               `-> rows (minutes, incidents, stretches, thresholds) -----------------`   database

Each has its end. Rows: where 4,096 wait, the minutes of the older half become one a source and lose
their scores; what the budget counts of them stays, incidents and stretches wait as they began and
as they are now, and thresholds always wait. Recordings: 256 MiB of samples, normal sound: 64 MiB,
then no more is taken. Embeddings: 4,096 records, then the oldest go.
"""

from __future__ import annotations

from collections import deque
from threading import Condition

from rattle.station.records import (
    ClipHeard,
    Embeddings,
    IncidentChanged,
    MinuteHeard,
    NormalHeard,
    Record,
    StretchChanged,
)
from rattle.station.store.minute_parts import without_scores
from rattle.station.store.rows import ClipDropped, Written

MOST_ROWS = 4096
MOST_EMBEDDINGS = 4096
MOST_CLIP_BYTES = 256 << 20
MOST_NORMAL_BYTES = 64 << 20
TOO_MANY = "too many recordings waited to be written"


class Waiting:
    """What waits, and what was let go since there was too much: all counted."""

    def __init__(self) -> None:
        self._rows: deque[Written] = deque()
        self._clips: deque[ClipHeard] = deque()
        self._normal: deque[NormalHeard] = deque()
        self._embeddings: deque[Embeddings] = deque()
        self._clip_bytes = self._normal_bytes = 0
        self._room_at = MOST_ROWS
        self._changed = Condition()
        self._is_closed = False
        self.dropped_minutes = self.dropped_embeddings = 0
        self.refused_clips = self.refused_normal = 0

    def put(self, record: Record | Written) -> None:
        """Let a record wait; returns at once."""
        with self._changed:
            if isinstance(record, ClipHeard):
                self._put_clip(record)
            elif isinstance(record, NormalHeard):
                self._put_normal(record)
            elif isinstance(record, Embeddings):
                self._put_embeddings(record)
            else:
                self._rows.append(record)
                if len(self._rows) > self._room_at:
                    self._make_room()
            self._changed.notify()

    def take_sound(self) -> Embeddings | ClipHeard | NormalHeard | None:
        """Take the next of what is to be written to files, None where there is nothing."""
        with self._changed:
            if self._embeddings:
                return self._embeddings.popleft()
            if self._clips:
                clip = self._clips.popleft()
                self._clip_bytes -= clip.samples.nbytes
                return clip
            if self._normal:
                normal = self._normal.popleft()
                self._normal_bytes -= normal.samples.nbytes
                return normal
            return None

    def take_rows(self, most: int) -> list[Written]:
        """Take the oldest rows."""
        with self._changed:
            count = min(most, len(self._rows))
            self._room_at = max(MOST_ROWS, self._room_at - count)
            return [self._rows.popleft() for _ in range(count)]

    def wait(self, rows: int | None, longest_s: float) -> None:
        """Wait until sounds or so many rows wait, it is closed, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_due(rows), longest_s)

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            sounds = len(self._clips) + len(self._normal) + len(self._embeddings)
            return len(self._rows) + sounds

    def rows(self) -> int:
        """Say how many rows wait."""
        with self._changed:
            return len(self._rows)

    def _is_due(self, rows: int | None) -> bool:
        has_sound = bool(self._clips or self._normal or self._embeddings)
        return self._is_closed or has_sound or (rows is not None and len(self._rows) >= rows)

    def _put_clip(self, clip: ClipHeard) -> None:
        if self._clip_bytes + clip.samples.nbytes > MOST_CLIP_BYTES:
            self.refused_clips += 1
            if clip.incident_id is not None:
                self._rows.append(ClipDropped(clip.incident_id, TOO_MANY))
            return
        self._clip_bytes += clip.samples.nbytes
        self._clips.append(clip)

    def _put_normal(self, normal: NormalHeard) -> None:
        if self._normal_bytes + normal.samples.nbytes > MOST_NORMAL_BYTES:
            self.refused_normal += 1
            return
        self._normal_bytes += normal.samples.nbytes
        self._normal.append(normal)

    def _put_embeddings(self, embeddings: Embeddings) -> None:
        if len(self._embeddings) >= MOST_EMBEDDINGS:
            self.dropped_embeddings += len(self._embeddings.popleft().ends)
        self._embeddings.append(embeddings)

    def _make_room(self) -> None:
        """Join the minutes among the older half of the rows, at the place of each's first."""
        older = _without_steps([self._rows.popleft() for _ in range(len(self._rows) // 2)])
        minutes: dict[tuple[str, str], list[MinuteHeard]] = {}
        for row in older:
            if isinstance(row, MinuteHeard):
                minutes.setdefault((row.source_id, row.release_id), []).append(row)
        for row in reversed(older):
            if isinstance(row, MinuteHeard):
                of_source = minutes[row.source_id, row.release_id]
                if row is not of_source[0]:
                    continue
                if len(of_source) > 1:
                    self.dropped_minutes += sum(len(each.scores) > 0 for each in of_source)
                    row = without_scores(of_source)
            self._rows.appendleft(row)
        # Where little could be joined, it is not tried again with every record.
        self._room_at = max(MOST_ROWS, len(self._rows) + MOST_ROWS // 4)


def _without_steps(rows: list[Written]) -> list[Written]:
    """Leave out what an incident or a stretch was between its first record and its newest.

    The first stays where it is, since others name it; the newest has the highest of all before.
    """
    ends: dict[object, set[int]] = {}
    for place, row in enumerate(rows):
        if isinstance(row, IncidentChanged | StretchChanged):
            of = ends.setdefault(_name(row), {place})
            of -= of - {min(of)}
            of.add(place)
    stays = set().union(*ends.values())
    return [
        row
        for place, row in enumerate(rows)
        if place in stays or not isinstance(row, IncidentChanged | StretchChanged)
    ]


def _name(row: IncidentChanged | StretchChanged) -> object:
    if isinstance(row, IncidentChanged):
        return row.id
    return row.source_id, row.release_id, row.level, row.first
