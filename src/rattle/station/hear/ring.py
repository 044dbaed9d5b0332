"""Keep the last 90 s of a source's sound; ``recordings`` are cut from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.clips.pcm16 import from_16_bit, to_16_bit
from rattle.clips.reading import LOUDEST, holds_samples

RING_SECONDS = 90


class Ring:
    """The last 90 s at the source's own rate and channels, in 16 bits: 2.9 MB at 16 kHz.

    What is beyond full scale is clipped, and what is no number is 0. Places are seconds since the
    ring began.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        # Memory is taken as it is filled.
        self._samples = np.zeros((RING_SECONDS * rate_hz, channels), np.int16)
        self._received = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        """Add samples ``[T, channels]``."""
        if not holds_samples(samples):
            samples = np.where(np.abs(samples) <= LOUDEST, samples, np.float32(0))
        size = len(self._samples)
        skipped = max(len(samples) - size, 0)
        steps = to_16_bit(samples[skipped:])
        place = (self._received + skipped) % size
        first = min(size - place, len(steps))
        self._samples[place : place + first] = steps[:first]
        self._samples[: len(steps) - first] = steps[first:]
        self._received += len(samples)

    def between(self, start_s: float, end_s: float) -> tuple[float, NDArray[np.float32]]:
        """Give what is there of a stretch: where it starts, and ``[T, channels]``."""
        size = len(self._samples)
        first = max(round(start_s * self._rate_hz), self._received - size, 0)
        end = max(min(round(end_s * self._rate_hz), self._received), first)
        places = slice(first % size, first % size + end - first)
        steps = self._samples[places]
        if places.stop > size:
            steps = np.concatenate([steps, self._samples[: places.stop - size]])
        return first / self._rate_hz, from_16_bit(steps)
