"""The queue between the thread that reads a live source and the one that scores it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from threading import Condition, Thread

from rattle.station.source import Block, Connection, Source, SourceLostError

# Ten seconds ride out a busy moment of the machine.
BACKLOG_SECONDS = 10.0
# Live sound comes all the time; where none does for so long, cable, camera or driver are dead.
STALL_SECONDS = 10.0


class Backlog:
    """Sound that waits to be scored, at most ``limit_s`` of it.

    When more comes, all that waits is dropped and the next block says how much is missing. No
    window may span a gap, so many small gaps would leave no window at all; a large one costs
    little more than itself.
    """

    def __init__(self, limit_s: float = BACKLOG_SECONDS) -> None:
        self._limit_s = limit_s
        self._blocks: deque[Block] = deque()
        self._seconds = 0.0
        self._ended = False
        self._error: Exception | None = None
        self._changed = Condition()

    def put(self, block: Block) -> None:
        """Add a block; never waits."""
        with self._changed:
            if self._seconds + block.seconds > self._limit_s and self._blocks:
                lost = f"{self._seconds:.1f} s of sound dropped: scoring does not keep up"
                block = replace(block, gap=block.gap or lost)
                self._blocks.clear()
                self._seconds = 0.0
            self._blocks.append(block)
            self._seconds += block.seconds
            self._changed.notify()

    def end(self, error: Exception | None) -> None:
        """Nothing comes after what waits; ``error`` is raised by ``get`` then."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def get(self, timeout_s: float) -> Block | None:
        """The next block, None at the end; ``SourceLostError`` where none comes for so long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._blocks or self._ended, timeout_s):
                raise SourceLostError(f"no sound for {timeout_s:g} s")
            if self._blocks:
                block = self._blocks.popleft()
                self._seconds -= block.seconds
                return block
            if self._error is not None:
                raise self._error
            return None


def taken(
    source: Source, *, backlog_s: float = BACKLOG_SECONDS, stall_s: float = STALL_SECONDS
) -> Iterator[Block]:
    """The blocks of one connection; those of a live source are read by a thread of their own."""
    connection = source.connect()
    if not source.live:
        yield from connection.blocks()
        return
    backlog = Backlog(backlog_s)
    Thread(target=_fill, args=(connection, backlog), daemon=True).start()
    try:
        while (block := backlog.get(stall_s)) is not None:
            yield block
    finally:
        connection.close()


def _fill(connection: Connection, backlog: Backlog) -> None:
    error: Exception | None = None
    try:
        for block in connection.blocks():
            backlog.put(block)
    except Exception as found:
        error = found
    backlog.end(error)
