"""Take samples that another program pushes: bytes in, blocks out, 10 s at most in between.

offer() ── at most 10 s of bytes ── blocks() ── backlog ── ear
            └ full: False, and the sender waits
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Condition

from rattle.listening.pcm import Pcm
from rattle.listening.source import BLOCK_SECONDS, Block
from rattle.station.clock import utc_now
from rattle.station.config.model import Samples

INBOX_SECONDS = 10.0


class PushInbox:
    """What was pushed and not heard yet; a source whose sound comes when others send it.

    The last sample of a push was when it came, so that pushes of any length follow on each other.
    """

    live = True

    def __init__(self, name: str, push: Samples, now: Callable[[], datetime] = utc_now) -> None:
        self.name, self.push = name, push
        self._pcm = Pcm(push.encoding, push.sample_rate_hz, push.channels)
        self._now = now
        self._waiting: deque[Block] = deque()
        self._seconds = 0.0
        self._connection = 0
        self._changed = Condition()

    @property
    def most_bytes(self) -> int:
        """The most that can be offered at once."""
        return round(INBOX_SECONDS * self.push.sample_rate_hz) * self._pcm.frame_bytes

    def offer(self, data: bytes) -> bool:
        """Take the next samples; False, and nothing taken, where they are more than there is room.

        Half a sample at their end is left out: the next ones may be of another sender.
        """
        whole = len(data) - len(data) % self._pcm.frame_bytes
        data_s = whole / self._pcm.frame_bytes / self._pcm.sample_rate_hz
        with self._changed:
            if self._seconds + data_s > INBOX_SECONDS:
                return False
            self._waiting.extend(self._blocks(data[:whole]))
            self._seconds += data_s
            self._changed.notify()
            return True

    def connect(self) -> PushConnection:
        """Begin to take what was pushed."""
        with self._changed:
            self._connection += 1
            return PushConnection(self, self._connection)

    def _blocks(self, data: bytes) -> Iterator[Block]:
        samples, rate_hz, now = self._pcm.decode(data), self._pcm.sample_rate_hz, self._now()
        length = max(round(rate_hz * BLOCK_SECONDS), 1)
        for start in range(0, len(samples), length):
            piece = samples[start : start + length]
            later = timedelta(seconds=(len(samples) - start - len(piece)) / rate_hz)
            yield Block(piece, rate_hz, at=now - later)

    def _take(self, connection: int) -> Block | None:
        """Wait for the next block; None where the connection was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._connection != connection)
            if self._connection != connection:
                return None
            block = self._waiting.popleft()
            self._seconds = max(self._seconds - block.seconds, 0.0) if self._waiting else 0.0
            return block

    def _close(self, connection: int) -> None:
        with self._changed:
            if self._connection == connection:
                self._connection += 1
            self._changed.notify_all()


class PushConnection:
    """The pushed sound, first what waits already."""

    def __init__(self, inbox: PushInbox, number: int) -> None:
        self._inbox, self._number = inbox, number

    def blocks(self) -> Iterator[Block]:
        """Yield what is pushed, until it is closed; who waits for it says when that is too long."""
        while (block := self._inbox._take(self._number)) is not None:
            yield block

    def close(self) -> None:
        """End ``blocks``."""
        self._inbox._close(self._number)
