"""Batches: which windows the network sees at each iteration (section IV-A).

What a batch holds depends on the seed and the iteration alone. So an interrupted training goes on
with the batches it would have had, and no generator's state has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.features.store import Pack
from rattle.randomness import ANOMALIES, CROPS, ORDER, OUTLIERS, stream
from rattle.scoring.windows import filled


class LogMels(Protocol):
    """Log-mels ``[T_i, bands]`` of some clips, in memory or in a pack."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> NDArray[np.float32]: ...
    def __iter__(self) -> Iterator[NDArray[np.float32]]: ...


@dataclass(frozen=True)
class Clips:
    """Some clips of a pack."""

    pack: Pack
    chosen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        return self.pack[int(self.chosen[index])]

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True)
class Batch:
    """Windows ``[B, W, bands]``, which are normal and which are of the target machine ``[B]``."""

    windows: NDArray[np.float32]
    is_normal: NDArray[np.bool_]
    is_target: NDArray[np.bool_]


@dataclass(frozen=True)
class BatchSource:
    """Draws batches of the target's normal clips, each other machine's and, where there are any,
    the target's anomalies (section IV-C)."""

    normals: LogMels
    outliers: Sequence[LogMels]
    normals_per_batch: int
    outliers_per_batch: int
    window_frames: int
    seed: int
    anomalies: LogMels = ()
    anomalies_per_batch: int = 0

    @property
    def epoch_iterations(self) -> int:
        """Iterations in which every normal clip is drawn once, rounded up."""
        return -(-len(self.normals) // self.normals_per_batch)

    def batch(self, iteration: int) -> Batch:
        """The batch of that iteration: normals first, then outliers, then anomalies."""
        crops = stream(self.seed, CROPS, iteration)
        clips = self._in_passes(self.normals, self.normals_per_batch, ORDER, iteration)
        clips += self._outlier_clips(stream(self.seed, OUTLIERS, iteration))
        clips += self._in_passes(self.anomalies, self.anomalies_per_batch, ANOMALIES, iteration)
        windows = self.crops(clips, crops)
        place = np.arange(len(windows))
        is_normal = place < self.normals_per_batch
        is_anomaly = place >= self.normals_per_batch + self.outliers_per_batch
        return Batch(windows, is_normal, is_normal | is_anomaly)

    def crops(
        self, clips: Sequence[NDArray[np.float32]], rng: np.random.Generator | None
    ) -> NDArray[np.float32]:
        """A random window of each clip, ``[B, W, bands]``; the centre one without a generator."""
        length = self.window_frames
        found = np.empty((len(clips), length, clips[0].shape[1]), dtype=np.float32)
        for window, log_mel in zip(found, clips, strict=True):
            last = max(len(log_mel) - length, 0)
            start = last // 2 if rng is None else int(rng.integers(last + 1))
            # Of a memory-mapped clip the pages of this window alone are read, and copied once.
            fits = len(log_mel) >= length
            window[:] = log_mel[start : start + length] if fits else filled(log_mel, length)
        return found

    def _in_passes(
        self, clips: LogMels, count: int, purpose: int, iteration: int
    ) -> list[NDArray[np.float32]]:
        # Pass after pass over all of them, each in an order of its own.
        places = np.arange(iteration * count, (iteration + 1) * count)
        orders = {
            turn: stream(self.seed, purpose, int(turn)).permutation(len(clips))
            for turn in np.unique(places // max(len(clips), 1))
        }
        return [clips[int(orders[place // len(clips)][place % len(clips)])] for place in places]

    def _outlier_clips(self, rng: np.random.Generator) -> list[NDArray[np.float32]]:
        # Evenly over machines, however many clips each has; the rest of an uneven share at random.
        count = self.outliers_per_batch
        order = rng.permutation(len(self.outliers))
        machines = [int(machine) for machine in np.resize(order, count)]
        return [self.outliers[m][int(rng.integers(len(self.outliers[m])))] for m in machines]
