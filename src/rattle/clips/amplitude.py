"""Compute the amplitude statistics of a machine (section IV-A: mean 0, variance 1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.errors import DataError


@dataclass(frozen=True)
class Amplitude:
    """Mean and standard deviation of a machine's samples over all its training clips."""

    mean: float
    deviation: float

    def normalise(self, samples: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Write ``(samples - mean) / deviation`` to ``out``, of the same shape."""
        np.subtract(samples, np.float32(self.mean), out=out)
        out /= np.float32(self.deviation)


@dataclass(frozen=True)
class Moments:
    """Count, mean and summed squared deviation of samples; moments add up without overflow."""

    count: int
    mean: float
    squares: float

    @classmethod
    def of(cls, samples: NDArray[np.float32]) -> Moments:
        """Compute the moments of ``samples``."""
        values = samples.astype(np.float64)
        mean = float(values.mean())
        # In place: each further array of this size costs more than its arithmetic.
        values -= mean
        values *= values
        return cls(values.size, mean, float(values.sum()))

    def __add__(self, other: Moments) -> Moments:
        # Chan, Golub and LeVeque, 1979: pairwise update of the second moment.
        count = self.count + other.count
        step = other.mean - self.mean
        return Moments(
            count,
            self.mean + step * other.count / count,
            self.squares + other.squares + step**2 * self.count * other.count / count,
        )


def amplitude(parts: Iterable[Moments]) -> Amplitude:
    """Add up the statistics of all samples; ``DataError`` where they are silent."""
    total = sum(parts, start=Moments(0, 0.0, 0.0))
    deviation = (total.squares / max(total.count, 1)) ** 0.5
    if deviation < 1e-8:
        raise DataError(
            "the training clips are silent (standard deviation of the samples below 1e-8); "
            "check the recordings",
            argument="recordings",
        )
    return Amplitude(total.mean, deviation)
