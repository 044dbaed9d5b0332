"""Cut a long recording, as it is decoded, into spans that are scored one after the other.

    recording  ----------------------------------------------------------->  time
    span 0     [windows 0 to 63  ]
    span 1                    [windows 64 to 127  ]

So no more of it is in memory than a span and a block, whether it lasts a minute or a day. The
windows are those of ``scoring.windows.timeline_starts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe
from rattle.scoring.windows import WINDOWS_AT_ONCE, sliding_starts, timeline_hop

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """Samples ``[T]`` from the frame ``first`` of a recording on, and windows that lie in them.

    ``starts`` are the windows' first frames in the recording, ``[n]``.
    """

    samples: Samples
    first: int
    starts: NDArray[np.int64]


def spans(blocks: Iterable[Samples], recipe: Recipe) -> Iterator[Span]:
    """Cut blocks ``[T]`` of a long recording into spans, in time order."""
    features, step = recipe.features, timeline_hop(recipe)
    tail = _Tail(features.hop_samples, features.window_frames, margin_of(recipe))
    done = 0
    for block in blocks:
        tail.add(block)
        while True:
            starts = (done + np.arange(WINDOWS_AT_ONCE, dtype=np.int64)) * step
            if not tail.reaches_beyond(starts):
                break
            yield tail.span(starts, is_last=False)
            done += WINDOWS_AT_ONCE
            # The last window of all may begin before the one that would be next.
            tail.forget((done - 1) * step)
    every = sliding_starts(1 + tail.end // features.hop_samples, features.window_frames, step)
    for begin in range(done, len(every), WINDOWS_AT_ONCE):
        starts = every[begin : begin + WINDOWS_AT_ONCE]
        yield tail.span(starts, is_last=not tail.reaches_beyond(starts))


def margin_of(recipe: Recipe) -> int:
    """Count the frames beside a cut that would see it."""
    return -(-recipe.features.fft_samples // 2 // recipe.features.hop_samples)


class _Tail:
    """The samples of a recording that are still needed, up to its sample ``end``."""

    def __init__(self, hop: int, length: int, margin: int) -> None:
        self._hop, self._length, self._margin = hop, length, margin
        self._samples = np.empty(0, np.float32)
        self._begin = self.end = 0

    def add(self, block: Samples) -> None:
        self._samples = np.concatenate([self._samples, block])
        self.end += len(block)

    def reaches_beyond(self, starts: NDArray[np.int64]) -> bool:
        """Whether there is sound behind the frames that windows at ``starts`` are made of."""
        return self.end >= (self._high(starts) + 1) * self._hop

    def span(self, starts: NDArray[np.int64], *, is_last: bool) -> Span:
        first = max(int(starts[0]) - self._margin, 0)
        end = self.end if is_last else self._high(starts) * self._hop
        begin = first * self._hop - self._begin
        return Span(self._samples[begin : end - self._begin], first, starts)

    def forget(self, frame: int) -> None:
        """Let go of what lies before a window that begins at ``frame``."""
        begin = max(frame - self._margin, 0) * self._hop
        self._samples = self._samples[begin - self._begin :].copy()
        self._begin = begin

    def _high(self, starts: NDArray[np.int64]) -> int:
        return int(starts[-1]) + self._length - 1 + self._margin
