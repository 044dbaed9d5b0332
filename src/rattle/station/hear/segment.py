"""Cut sound without a gap into seconds and windows, each with its time.

Times follow the samples from the first block on, so that blocks that come early or late, and a
clock that is set, do not tear a minute apart. Where clock and samples are more than 2 s apart for
ten seconds, the samples are dated anew: a sound card counts a little slow, a camera left something
out. A busy computer hands sound on late for a moment, and on time again: that moves nothing.
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
APART_FOR_S = 10.0
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
        self.window_s = self._stream.window_s
        self._received = self._heard = 0  # samples: up to the end, and those that were looked at
        self._coming: list[NDArray[np.float32]] = []
        self._windows: deque[Window] = deque()
        self._late_from: float | None = None  # the place from which on the clock is ahead
        self._least_late = 0.0

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

        It is looked at a second at a time, which costs less than a block at a time, and a window
        waits for the end of the second that it ends in: only then is it known how loud all of it
        was. So what is given does not depend on how the sound is cut into blocks.
        """
        self._coming.append(block.samples)
        self._received += len(block.samples)
        seconds = (self._received - self._heard) // self.rate_hz
        if not seconds:
            return
        sound = np.concatenate(self._coming)
        whole = seconds * self.rate_hz
        self._coming = [sound[whole:].copy()]
        yield from self._look_at(sound[:whole])

    def finish(self) -> Iterator[Second | Window]:
        """Give what waits for the rest of a second that does not come."""
        if self._received > self._heard:
            rest = np.concatenate(self._coming)
            self._coming = []
            yield from self._look_at(rest)
        yield from self._windows
        self._windows.clear()

    def dated_anew(self, at: float) -> float:
        """Hold its end against the clock's ``at``: by how many seconds it is moved, mostly 0.

        Sound comes late and never early: by how much the clock is ahead, the least late block says.
        """
        apart = at - self.end
        if apart < -MOST_APART_S:
            return self._moved(apart)
        if apart <= MOST_APART_S:
            self._late_from = None
            return 0.0
        if self._late_from is None:
            self._late_from, self._least_late = self.received_s, apart
        self._least_late = min(self._least_late, apart)
        if self.received_s - self._late_from < APART_FOR_S:
            return 0.0
        return self._moved(self._least_late)

    def _moved(self, by_s: float) -> float:
        self._zero = round(self._zero + by_s, 3)
        self._late_from = None
        return by_s

    def _look_at(self, samples: NDArray[np.float32]) -> Iterator[Second | Window]:
        block = Block(samples, self.rate_hz)
        self._windows.extend(self._stream.push(block))
        mono = mean_of(self._stream.heard(block))
        for start in range(0, len(mono), self.rate_hz):
            second = mono[start : start + self.rate_hz]
            yield from self._ended_by(self._heard / self.rate_hz)
            self._heard += len(second)
            end_s = self._heard / self.rate_hz
            yield Second(end_s, level_dbfs(second), len(second) / self.rate_hz)
        yield from self._ended_by(self._heard / self.rate_hz)

    def _ended_by(self, end_s: float) -> Iterator[Window]:
        while self._windows and self._windows[0].end_s <= end_s:
            yield self._windows.popleft()


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
