"""Write what ears tell: a thread of its own, the only writer of it.

    ears -- put --> Waiting -- files, a transaction a second --> database -- on_written --> page

Files go on where the database is away, and the database where the disk is too full for files. What
could not be written waits and is tried again after 1 s, 2 s and so on up to 30 s. A record may be
written twice, where it is not known whether a transaction was taken in: that changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Thread

from sqlalchemy.orm import Session

from rattle.errors import StorageError
from rattle.station.clock import utc_now
from rattle.station.health import Writing
from rattle.station.records import Embeddings, NormalHeard, Record
from rattle.station.store.database import Database
from rattle.station.store.leases import of_own_sources
from rattle.station.store.rows import ClipKept, SourcesLeft, Written
from rattle.station.store.sound_files import SoundFiles
from rattle.station.store.waiting import Waiting
from rattle.station.store.writing import write_all

_log = logging.getLogger(__name__)

MOST_AT_ONCE = 500
EVERY_S = 1.0
FIRST_WAIT_S, LONGEST_WAIT_S, LAST_WAIT_S = 1.0, 30.0, 0.2


class Scribe:
    """The thread that writes. ``on_written`` is called, in it, with rows that are stored."""

    def __init__(
        self,
        database: Database,
        files: SoundFiles,
        on_written: Callable[[Sequence[Written]], None],
        *,
        now: Callable[[], datetime] = utc_now,
        node: str | None = None,
    ) -> None:
        """``node`` is the station that it writes for: what that holds no more is not written."""
        self._node = node
        self._database, self._files, self._on_written, self._now = database, files, on_written, now
        self._waiting = Waiting()
        self._in_hand: list[Written] = []
        self._written = self._refused = 0
        self._error = ""
        self._since: datetime | None = None
        self._wait_s = self._try_at = 0.0
        self._stop_by: float | None = None
        self._thread = Thread(target=self._run, name="scribe", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, record: Record | SourcesLeft) -> None:
        """Take a record to be written; never waits."""
        self._waiting.put(record)

    def stop(self, patience_s: float) -> int:
        """Write what waits and end; gives how many records could not be written in that time."""
        self._stop_by = time.monotonic() + patience_s
        self._waiting.close()
        self._thread.join(patience_s)
        left = self._left()
        if left:
            _log.error("%d records could not be written: %s", left, self._error or "no time left")
        return left

    @property
    def writing(self) -> Writing:
        """How it goes."""
        waiting, files = self._waiting, self._files
        return Writing(
            waiting=self._left(),
            written=self._written,
            dropped_minutes=waiting.dropped_minutes,
            dropped_embeddings=waiting.dropped_embeddings + files.dropped_embeddings,
            refused=self._refused,
            refused_clips=waiting.refused_clips + files.refused_clips,
            speech_clips=files.speech_clips,
            refused_normal=waiting.refused_normal + files.refused_normal,
            speech_normal=files.speech_normal,
            error=self._error,
            since=self._since,
            full_disk=files.full_disk,
        )

    def _left(self) -> int:
        return len(self._waiting) + len(self._in_hand)

    def _run(self) -> None:
        while self._stop_by is None:
            self._write_files()
            is_full = not self._error and self._waiting.rows() >= MOST_AT_ONCE
            if is_full or time.monotonic() >= self._try_at:
                self._write_rows()
            # Let more come, for a second: a transaction costs as much for one record as for many.
            rest_s = max(self._try_at - time.monotonic(), 0.0)
            self._waiting.wait(None if self._error else MOST_AT_ONCE, rest_s)
        while self._left() and not self._is_late():
            self._write_files()
            self._write_rows()
            if self._error:
                time.sleep(LAST_WAIT_S)

    def _is_late(self) -> bool:
        return self._stop_by is not None and time.monotonic() > self._stop_by

    def _write_files(self) -> None:
        while not self._is_late() and (sound := self._waiting.take_sound()) is not None:
            try:
                if isinstance(sound, Embeddings):
                    self._files.keep_embeddings(sound)
                elif isinstance(sound, NormalHeard):
                    self._files.keep_normal(sound)
                elif (row := self._files.keep_clip(sound)) is not None:
                    if isinstance(row, ClipKept):
                        row = replace(row, node=self._node)
                    self._waiting.put(row)
            except Exception:
                # A fault of the program in one recording is not to end the writing of all others.
                self._refuse(sound)

    def _write_rows(self) -> None:
        self._in_hand = self._in_hand or self._waiting.take_rows(MOST_AT_ONCE)
        rows = self._in_hand
        if rows:
            try:
                with self._database.writing() as session:
                    rows = self._own(session, rows)
                    write_all(session, rows)
                self._in_hand = []
                self._tell(rows)
            except StorageError as error:
                self._is_away(error)
                return
            except Exception:
                if not self._write_one_by_one():
                    return
        self._error, self._since, self._wait_s = "", None, 0.0
        self._try_at = time.monotonic() + EVERY_S

    def _write_one_by_one(self) -> bool:
        """Write all but those that the database cannot hold; whether it was there to the end."""
        written: list[Written] = []
        rows = self._in_hand
        while rows:
            try:
                with self._database.writing() as session:
                    own = self._own(session, rows[:1])
                    write_all(session, own)
                written += own
            except StorageError as error:
                self._is_away(error)
                break
            except Exception:
                self._refuse(rows[0])
            rows = self._in_hand = rows[1:]
        self._tell(written)
        return not rows

    def _own(self, session: Session, rows: list[Written]) -> list[Written]:
        """Leave out what another station hears by now: it writes of the same moments."""
        if self._node is None:
            return rows
        own = of_own_sources(session, self._node, rows)
        if len(own) < len(rows):
            count = len(rows) - len(own)
            _log.warning("%d records of sources that another station took are left out", count)
        return own

    def _tell(self, rows: Sequence[Written]) -> None:
        self._written += len(rows)
        try:
            self._on_written(rows)
        except Exception:
            # They are stored: whatever is wrong with who listens, writing goes on.
            _log.exception("what was written could not be told")

    def _is_away(self, error: StorageError) -> None:
        if not self._error:
            self._since = self._now()
            _log.warning("nothing can be written, it waits: %s", error)
        self._error = str(error)
        self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        self._try_at = time.monotonic() + self._wait_s

    def _refuse(self, record: Record | Written) -> None:
        self._refused += 1
        _log.exception("a %s of the station cannot be stored", type(record).__name__)
