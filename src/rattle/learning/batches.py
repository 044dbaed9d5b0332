"""Batches: which windows the network sees at each iteration (section IV-A).

What a batch holds depends on the seed and the iteration alone. So an interrupted training goes on
with the batches it would have had, and no generator's state has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.features.store import Pack
from rattle.scoring.windows import cut

# Streams of random numbers that must not repeat each other.
ORDER, CROPS, OUTLIERS, HELD_OUT, PASS, DROPOUT, PRETRAIN, SUBSTITUTE = range(8)


def generator(seed: int, *stream: int) -> np.random.Generator:
    """The generator of one stream of one seed."""
    return np.random.default_rng([seed, *stream])


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
    """Draws batches of the target's normal clips and of each other machine's."""

    normals: Clips
    outliers: Sequence[Clips]
    normals_per_batch: int
    outliers_per_batch: int
    window_frames: int
    seed: int

    @property
    def epoch_iterations(self) -> int:
        """Iterations in which every normal clip is drawn once, rounded up."""
        return -(-len(self.normals) // self.normals_per_batch)

    def batch(self, iteration: int) -> Batch:
        """The batch of that iteration: normals first, then outliers."""
        crops = generator(self.seed, CROPS, iteration)
        clips = [self.normals[i] for i in self._normal_indices(iteration)]
        clips += self._outlier_clips(generator(self.seed, OUTLIERS, iteration))
        windows = np.concatenate([self.crop(clip, crops) for clip in clips])
        is_normal = np.arange(len(windows)) < self.normals_per_batch
        return Batch(windows, is_normal, is_normal)

    def crop(
        self, log_mel: NDArray[np.float32], rng: np.random.Generator | None
    ) -> NDArray[np.float32]:
        """A random window ``[1, W, bands]`` of a clip, or the centre one without a generator."""
        last = max(len(log_mel) - self.window_frames, 0)
        start = last // 2 if rng is None else int(rng.integers(last + 1))
        return cut(log_mel, np.array([start]), self.window_frames)

    def _normal_indices(self, iteration: int) -> list[int]:
        # Pass after pass over all normals, each in an order of its own.
        count = len(self.normals)
        first = iteration * self.normals_per_batch
        places = np.arange(first, first + self.normals_per_batch)
        orders = {
            turn: generator(self.seed, ORDER, int(turn)).permutation(count)
            for turn in np.unique(places // count)
        }
        return [int(orders[place // count][place % count]) for place in places]

    def _outlier_clips(self, rng: np.random.Generator) -> list[NDArray[np.float32]]:
        # Evenly over machines, however many clips each has; the rest of an uneven share at random.
        count = self.outliers_per_batch
        order = rng.permutation(len(self.outliers))
        machines = [int(machine) for machine in np.resize(order, count)]
        return [self.outliers[m][int(rng.integers(len(self.outliers[m])))] for m in machines]
