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
    """A second of sound: its end, counted as a window's, and its level; None where damaged."""

    end_s: float
    level_db: float | None


class Segment:
    """Sound since a source was connected, or since some was missing.

    rate_hz, channels: the source's. received_s: how much came. Times are UTC, seconds since 1970.
    """

    def __init__(self, scorer: Scorer, block: Block, at: float) -> None:
        """``block`` is the first, which ends at ``at``; it is still to be pushed."""
        self.rate_hz, self.channels = block.sample_rate_hz, block.samples.shape[1]
        self.windows = WindowStream(scorer, self.rate_hz)
        self._zero = round(at - block.seconds, 3)
        self._received = 0
        self._seconds: deque[Second] = deque()
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

        A second waits for the window that ends with it or later: so what is given does not depend
        on how the sound is cut into blocks.
        """
        windows = self.windows.push(block)
        self._measure(mean_of(self.windows.heard(block)))
        self._received += len(block.samples)
        for window in windows:
            while self._seconds and self._seconds[0].end_s <= window.end_s:
                yield self._seconds.popleft()
            yield window

    def finish(self) -> Iterator[Second]:
        """Give the whole seconds that no window ends after."""
        while self._seconds:
            yield self._seconds.popleft()

    def dated_anew(self, at: float) -> float:
        """Hold its end against the clock's ``at``: by how many seconds it is moved, mostly 0."""
        apart = at - self.end
        if abs(apart) <= MOST_APART_S:
            return 0.0
        self._zero = round(self._zero + apart, 3)
        return apart

    def _measure(self, mono: NDArray[np.float32]) -> None:
        self._coming.append(mono)
        self._waiting += len(mono)
        if self._waiting < self.rate_hz:
            return
        sound = np.concatenate(self._coming)
        first = self._received - (len(sound) - len(mono))
        for start in range(0, len(sound) - self.rate_hz + 1, self.rate_hz):
            end_s = (first + start + self.rate_hz) / self.rate_hz
            level_db = level_dbfs(sound[start : start + self.rate_hz])
            self._seconds.append(Second(end_s, level_db))
        rest = sound[len(sound) - len(sound) % self.rate_hz :].copy()
        self._coming, self._waiting = [rest], len(rest)


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
