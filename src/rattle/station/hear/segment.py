"""Cut sound without a gap into seconds and windows, each with its time.

Times follow the samples from the first block on, so that blocks that come early or late, and a
clock that is set, do not tear a minute apart. Where clock and samples are more than 2 s apart, the
samples are dated anew: a sound card counts a little slow, a camera left something out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.listening.source import Block
from rattle.listening.windows import Window, WindowStream
from rattle.runtime.channel import mean_of
from rattle.runtime.scorer import Scorer

MOST_APART_S = 2.0
SILENCE_DBFS = -120.0


@dataclass(frozen=True)
class Second:
    """A second of sound: its end, counted as a window's, and its level; None where damaged.

    The last one of a segment may be shorter than its ``seconds`` of 1.
    """

    end_s: float
    level_db: float | None
    seconds: float = 1.0


class Segment:
    """Sound since a source was connected, or since some was missing.

    rate_hz, channels: the source's. received_s: how much came. Times are UTC, seconds since 1970.
    """

    def __init__(self, scorer: Scorer, block: Block, at: float) -> None:
        """``block`` is the first, which ends at ``at``; it is still to be pushed."""
        self.rate_hz, self.channels = block.sample_rate_hz, block.samples.shape[1]
        self._stream = WindowStream(scorer, self.rate_hz)
        self._zero = round(at - block.seconds, 3)
        self._received = 0
        self.window_s = self._stream.window_s
        self._windows: deque[Window] = deque()
        self._coming: list[NDArray[np.float32]] = []
        self._waiting = 0

    @property
    def received_s(self) -> float:
        return self._received / self.rate_hz

    @property
    def end(self) -> float:
        """When what was received ends."""
        return self.time(self.received_s)

    def time(self, at_s: float) -> float:
        """Say when a place in the segment was."""
        return self._zero + at_s

    def push(self, block: Block) -> Iterator[Second | Window]:
        """Take the next sound; give the seconds and windows that it completes, in time order.

        A window waits for the end of the second that it ends in: only then is it known how loud all
        of it was. So what is given does not depend on how the sound is cut into blocks either.
        """
        self._windows.extend(self._stream.push(block))
        self._received += len(block.samples)
        for second in self._measured(mean_of(self._stream.heard(block))):
            yield from self._ended_before(second)
            yield second
        # Windows come some milliseconds after their last sample.
        yield from self._ended_before(None)

    def finish(self) -> Iterator[Second | Window]:
        """Give what waits for the rest of a second that does not come."""
        rest = np.concatenate(self._coming) if self._waiting else np.empty(0, np.float32)
        if len(rest):
            seconds = len(rest) / self.rate_hz
            yield Second(self.received_s, level_dbfs(rest), seconds)
        yield from self._windows
        self._windows.clear()

    def dated_anew(self, at: float) -> float:
        """Hold its end against the clock's ``at``: by how many seconds it is moved, mostly 0."""
        apart = at - self.end
        if abs(apart) <= MOST_APART_S:
            return 0.0
        self._zero = round(self._zero + apart, 3)
        return apart

    def _ended_before(self, second: Second | None) -> Iterator[Window]:
        """Give the windows that end in seconds that are over, up to the one before ``second``."""
        over_s = (self._received - self._waiting) / self.rate_hz
        if second is not None:
            over_s = second.end_s - second.seconds
        while self._windows and self._windows[0].end_s <= over_s:
            yield self._windows.popleft()

    def _measured(self, mono: NDArray[np.float32]) -> list[Second]:
        """Measure the seconds that samples ``[T]`` complete."""
        self._coming.append(mono)
        self._waiting += len(mono)
        count = self._waiting // self.rate_hz
        if not count:
            return []
        sound = np.concatenate(self._coming)
        first = self._received - len(sound)
        rest = sound[count * self.rate_hz :].copy()
        self._coming, self._waiting = [rest], len(rest)
        each = sound[: count * self.rate_hz].reshape(count, self.rate_hz)
        ends_s = [first / self.rate_hz + number + 1 for number in range(count)]
        return [Second(end_s, level_dbfs(of)) for end_s, of in zip(ends_s, each, strict=True)]


def level_dbfs(samples: NDArray[np.float32]) -> float | None:
    """Compute the level of ``samples [T]``; None where they hold NaN or the like.

    >>> level_dbfs(np.full(10, 0.1, np.float32))
    -20.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        power = float(np.dot(samples, samples)) / len(samples)
    if not np.isfinite(power):
        return None
    return round(max(10 * float(np.log10(max(power, 1e-20))), SILENCE_DBFS), 2)
