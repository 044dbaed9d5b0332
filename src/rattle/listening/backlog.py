"""Queue sound between the thread that reads a live source and the one that scores it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Condition, Thread

from rattle.listening.source import Block, Connection, Source, SourceLostError

# Ten seconds ride out a busy moment of the machine.
BACKLOG_SECONDS = 10.0
# Live sound comes all the time; where none does for so long, cable, camera or driver are dead.
STALL_SECONDS = 10.0


class Backlog:
    """Sound that waits to be scored, at most ``limit_s`` of it.

    When more comes, the source waits: a burst, as streams begin with, is soon scored. Once the
    oldest block has waited for ``limit_s`` by the clock, scoring does not keep up: all that waits
    is dropped and the next block says how much is missing. No window may span a gap, so many
    small gaps would leave no window at all; a large one costs little more than itself.
    """

    def __init__(
        self, limit_s: float = BACKLOG_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._blocks: deque[tuple[float, Block]] = deque()  # each with when it came
        self._seconds = 0.0
        self._ended = False
        self._error: Exception | None = None
        self._changed = Condition()

    def put(self, block: Block) -> None:
        """Add a block; waits for room, at most for ``limit_s``."""
        with self._changed:
            while self._blocks and self._seconds + block.seconds > self._limit_s:
                patience_s = self._blocks[0][0] + self._limit_s - self._clock()
                if patience_s > 0 and not self._ended:
                    self._changed.wait(patience_s)
                    continue
                lost = f"{self._seconds:.1f} s of sound dropped: scoring does not keep up"
                block = replace(block, gap=block.gap or lost)
                self._blocks.clear()
                self._seconds = 0.0
            self._blocks.append((self._clock(), block))
            self._seconds += block.seconds
            self._changed.notify()

    def end(self, error: Exception | None) -> None:
        """Say that nothing comes after what waits; ``error`` is raised by ``get`` then."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def get(self, timeout_s: float) -> Block | None:
        """Take the next block, None at the end; ``SourceLostError`` where none comes in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._blocks or self._ended, timeout_s):
                raise SourceLostError(f"no sound for {timeout_s:g} s")
            if self._blocks:
                _, block = self._blocks.popleft()
                self._seconds -= block.seconds
                self._changed.notify()
                return block
            if self._error is not None:
                raise self._error
            return None


def blocks_of(
    source: Source, *, backlog_s: float = BACKLOG_SECONDS, stall_s: float = STALL_SECONDS
) -> Iterator[Block]:
    """Connect a source and yield its blocks; a thread of its own reads a live source."""
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
        backlog.end(None)


def _fill(connection: Connection, backlog: Backlog) -> None:
    error: Exception | None = None
    try:
        for block in connection.blocks():
            backlog.put(block)
    except Exception as raised:
        error = raised
    backlog.end(error)
