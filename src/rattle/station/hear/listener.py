"""Run the thread of one source: connect, hear, wait, connect again, until it is stopped.

source ── read:SOURCE ── backlog, 10 s ── ear:SOURCE ── Ear
                          └ full: all of it dropped in one piece, and said
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Protocol

import numpy as np

from rattle.errors import RattleError
from rattle.listening.reconnect import Outage, connected_blocks
from rattle.listening.source import Block, Connection, Source
from rattle.station.clock import utc_now
from rattle.station.hear.folder import WatchedFolder
from rattle.station.hear.push import PushInbox

_log = logging.getLogger(__name__)

# A source that refuses for good is tried again all the same: nobody sits beside a station.
REFUSED_WAIT_S = 30.0
# After an error of ours.
FAILED_WAIT_S = 10.0
LOOK_EVERY_S = 2.0  # into a folder
PUSH_WAIT_S = 1.0  # who pushes again is heard at once
TICK_S = 1.0


class Hears(Protocol):
    """What a source's sound goes to: an ``Ear``, or what records before there is one."""

    @property
    def name(self) -> str:
        """What the source is called."""

    def push(self, block: Block, at: datetime, lag_s: float = 0.0) -> None:
        """Hear the next block, whose last sample was at ``at`` (UTC), late by ``lag_s``."""

    def lost(self, reason: str, at: datetime) -> None:
        """Note that no sound comes, and why; said again while it lasts."""

    def failed(self, reason: str, at: datetime) -> None:
        """Begin anew after an error."""

    def ended(self, at: datetime) -> None:
        """Note that nothing more will come."""

    def waiting(self, reason: str, at: datetime) -> None:
        """Note that nothing comes at the moment."""

    def stop(self) -> None:
        """Tell what was heard last."""


class Listener:
    """The thread of a source."""

    def __init__(
        self,
        source: Source,
        ear: Hears,
        *,
        now: Callable[[], datetime] = utc_now,
        randomness: np.random.Generator | None = None,
        refused_wait_s: float = REFUSED_WAIT_S,
        failed_wait_s: float = FAILED_WAIT_S,
    ) -> None:
        self._source = _Stamped(source, now)
        self._is_folder = isinstance(source, WatchedFolder)
        self._longest_wait_s = PUSH_WAIT_S if isinstance(source, PushInbox) else np.inf
        self._ear, self._now = ear, now
        self._randomness = randomness or np.random.default_rng()
        self._refused_wait_s, self._failed_wait_s = refused_wait_s, failed_wait_s
        self._stopped = Event()
        self._reason = ""
        self._thread = Thread(target=self._run, name=f"ear:{ear.name}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stopped.set()
        try:
            self._source.close()
        except Exception:  # one that does not close is not to keep the others open
            _log.exception("%s: it could not be closed", self._source.name)

    def join(self, patience_s: float) -> bool:
        """Wait for its end after ``stop``; False where it did not come in time."""
        if self._thread.ident is None:  # it was never started
            return True
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                wait_s = self._heard()
                if wait_s is None:
                    break
                self._pause(wait_s)
        except _StoppedError:
            pass
        try:
            self._ear.stop()
        except Exception:
            _log.exception("%s: what was heard last could not be told", self._ear.name)

    def _heard(self) -> float | None:
        """Hear the source to its end: seconds until it is tried again, None for never."""
        try:
            blocks = connected_blocks(
                self._source, once=False, sleep=self._pause, randomness=self._randomness
            )
            with contextlib.closing(blocks):
                for item in blocks:
                    if self._stopped.is_set():
                        return None
                    self._hear(item)
            if self._stopped.is_set():
                return None
            self._reason = ""
            if self._is_folder:
                self._ear.waiting("waits for recordings", self._now())
                return LOOK_EVERY_S
            self._ear.ended(self._now())
            return None
        except RattleError as error:
            if str(error) != self._reason:
                _log.warning("%s: %s", self._ear.name, error)
            return self._failed(str(error), self._refused_wait_s)
        except _StoppedError:
            raise
        except Exception as error:
            reason = f"the station failed to hear it ({error or type(error).__name__})"
            if reason != self._reason:
                _log.exception("%s: hearing failed", self._ear.name)
            return self._failed(reason, self._failed_wait_s)

    def _hear(self, item: Block | Outage) -> None:
        if isinstance(item, Outage):
            if item.reason != self._reason:
                _log.warning("%s: lost: %s", self._ear.name, item.reason)
            self._reason = item.reason
            self._ear.lost(item.reason, self._now())
            return
        now = self._now()
        at = item.at or now
        lag_s = max((now - at).total_seconds(), 0.0) if self._source.live else 0.0
        self._ear.push(item, at, lag_s)
        self._reason = ""

    def _failed(self, reason: str, wait_s: float) -> float:
        self._reason = reason
        try:
            self._ear.failed(reason, self._now())
        except Exception:  # whatever it is: the thread goes on, and the ear has another chance
            _log.exception("%s: it could not be said that it failed", self._ear.name)
        return wait_s

    def _pause(self, seconds: float) -> None:
        """Wait, and count meanwhile for how long the source is lost."""
        until = time.monotonic() + min(seconds, self._longest_wait_s)
        while (left_s := until - time.monotonic()) > 0:
            if self._stopped.wait(min(left_s, TICK_S)):
                raise _StoppedError
            if self._reason:
                with contextlib.suppress(Exception):  # it is said by what failed before
                    self._ear.lost(self._reason, self._now())


class _StoppedError(Exception):
    """The station stops."""


class _Stamped:
    """A source whose blocks say when they came, and which can be closed by another thread."""

    def __init__(self, source: Source, now: Callable[[], datetime]) -> None:
        self._source, self._now = source, now
        self._open: Connection | None = None
        self._closed = False
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def live(self) -> bool:
        return self._source.live

    def connect(self) -> _StampedConnection:
        connection = self._source.connect()
        with self._lock:
            self._open = connection
            if self._closed:
                connection.close()
        return _StampedConnection(connection, self._now)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._open is not None:
                self._open.close()


class _StampedConnection:
    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection, self._now = connection, now

    def blocks(self) -> Iterator[Block]:
        for block in self._connection.blocks():
            yield block if block.at is not None else replace(block, at=self._now())

    def close(self) -> None:
        self._connection.close()
