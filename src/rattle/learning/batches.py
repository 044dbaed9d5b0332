"""Batches: which windows the network sees at each iteration (section IV-A).

What a batch holds depends on the seed and the iteration alone. So an interrupted training goes on
with the batches it would have had, and no generator's state has to be stored.

``BatchSource`` draws for one machine, as the paper does; ``fleet.FleetSource`` for many at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.features.store import Pack
from rattle.features.views import Rows, Views, views
from rattle.randomness import ANOMALIES, CROPS, ORDER, OUTLIERS, stream
from rattle.scoring.windows import filled


class ClipFeatures(Protocol):
    """Features ``[T_i, width]`` of some clips, in memory or in a pack."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Rows: ...
    def __iter__(self) -> Iterator[Rows]: ...


@dataclass(frozen=True)
class Clips:
    """Some clips of a pack."""

    pack: Pack
    chosen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Rows:
        return self.pack[int(self.chosen[index])]

    def __iter__(self) -> Iterator[Rows]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True)
class Batch:
    """What an encoder sees of B windows, and what they are to each of H heads, ``[B, H]``.

    ``normal`` is how much of a window is of the head's normal class, from 0 (an outlier) to 1;
    ``target`` how much of it is its own machine's, normal or anomalous. ``counted`` is how much of
    it says anything to the head; None where all of every window does.
    """

    views: Views
    normal: NDArray[np.float32]
    target: NDArray[np.float32]
    counted: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Classes:
    """How much each group of clips counts in a head's normal and outlier class, ``[H, groups]``."""

    normal: NDArray[np.float32]
    outlier: NDArray[np.float32]


class Source(Protocol):
    """What a training draws batches of: groups of clips, and heads that each take a side."""

    @property
    def seed(self) -> int:
        """What decides every draw."""

    @property
    def groups(self) -> Sequence[ClipFeatures]:
        """Clips by machine, and the anomalies where there are any."""

    @property
    def balance(self) -> NDArray[np.float32]:
        """How much more a head's normal windows count, ``[H]``, for classes of equal weight."""

    @property
    def epoch_iterations(self) -> int:
        """Iterations in which every normal clip is drawn once, rounded up."""

    def batch(self, iteration: int) -> Batch:
        """Draw the batch of that iteration."""

    def windows(self, clips: Sequence[Rows], rng: np.random.Generator | None) -> Views:
        """Cut a random window of each clip; the centre one without a generator."""

    def sample_sizes(self, clips_per_class: int) -> list[int]:
        """Say of how many clips of each group centroids are computed; 0 of one: of all."""

    def classes(self, *, sampled: bool) -> Classes:
        """Say how groups count in the centroids, where they are ``sampled`` or taken whole."""


@dataclass(frozen=True)
class BatchSource:
    """Draws batches of the target's normal clips, each other machine's and, where there are any,
    the target's anomalies (section IV-C). It has one head."""

    normals: ClipFeatures
    outliers: Sequence[ClipFeatures]
    normals_per_batch: int
    outliers_per_batch: int
    window_frames: int
    bands: int
    seed: int
    anomalies: ClipFeatures = ()
    anomalies_per_batch: int = 0

    @property
    def groups(self) -> Sequence[ClipFeatures]:
        """See ``Source``: the normals, each other machine's clips, the anomalies."""
        return [self.normals, *self.outliers, *([self.anomalies] if len(self.anomalies) else [])]

    @cached_property
    def balance(self) -> NDArray[np.float32]:
        """See ``Source``: as the batch is put together, so the classes count."""
        return np.ones(1, dtype=np.float32)

    @property
    def epoch_iterations(self) -> int:
        """See ``Source``."""
        return -(-len(self.normals) // self.normals_per_batch)

    def batch(self, iteration: int) -> Batch:
        """Draw the batch of that iteration: normals first, then outliers, then anomalies."""
        crops = stream(self.seed, CROPS, iteration)
        clips = self._in_passes(self.normals, self.normals_per_batch, ORDER, iteration)
        clips += self._outlier_clips(stream(self.seed, OUTLIERS, iteration))
        clips += self._in_passes(self.anomalies, self.anomalies_per_batch, ANOMALIES, iteration)
        place = np.arange(len(clips))[:, None]
        normal = place < self.normals_per_batch
        anomaly = place >= self.normals_per_batch + self.outliers_per_batch
        return Batch(
            self.windows(clips, crops),
            normal.astype(np.float32),
            (normal | anomaly).astype(np.float32),
        )

    def windows(self, clips: Sequence[Rows], rng: np.random.Generator | None) -> Views:
        """See ``Source``."""
        return views(crops(clips, self.window_frames, rng), self.bands, self.window_frames)

    def sample_sizes(self, clips_per_class: int) -> list[int]:
        """See ``Source``: as many of either class, of the outliers as many of each group."""
        others = len(self.groups) - 1
        return [clips_per_class, *[-(-clips_per_class // others)] * others]

    def classes(self, *, sampled: bool) -> Classes:
        """See ``Source``.

        Anomalies belong to the outlier class (section IV-C). Its centroid is the plain mean over
        the entire class (section III); of a sample it weighs machines, and the anomalies against
        them, as batches do.
        """
        shares = [float(len(of)) for of in self.groups[1:]]
        if sampled:
            machines = len(self.outliers)
            shares = [self.outliers_per_batch / machines] * machines
            shares += [float(self.anomalies_per_batch)] * (len(self.groups) - 1 - machines)
        outlier = np.array([[0.0, *shares]], dtype=np.float32) / np.float32(sum(shares))
        return Classes(np.eye(1, len(self.groups), dtype=np.float32), outlier)

    def _in_passes(
        self, clips: ClipFeatures, count: int, purpose: int, iteration: int
    ) -> list[Rows]:
        # Pass after pass over all of them, each in an order of its own.
        places = np.arange(iteration * count, (iteration + 1) * count)
        orders = {
            turn: stream(self.seed, purpose, int(turn)).permutation(len(clips))
            for turn in np.unique(places // max(len(clips), 1))
        }
        return [clips[int(orders[place // len(clips)][place % len(clips)])] for place in places]

    def _outlier_clips(self, rng: np.random.Generator) -> list[Rows]:
        # Evenly over machines, however many clips each has; the rest of an uneven share at random.
        count = self.outliers_per_batch
        order = rng.permutation(len(self.outliers))
        machines = [int(machine) for machine in np.resize(order, count)]
        return [self.outliers[m][int(rng.integers(len(self.outliers[m])))] for m in machines]


def let_go(groups: Iterable[ClipFeatures]) -> None:
    """Give back the memory of what was read of packs."""
    for group in groups:
        pack = group.pack if isinstance(group, Clips) else group
        if isinstance(pack, Pack):
            pack.let_go()


def crops(clips: Sequence[Rows], length: int, rng: np.random.Generator | None) -> Rows:
    """Cut a random window of each clip, ``[B, length, width]``; without a generator the centre."""
    found = np.empty((len(clips), length, clips[0].shape[1]), dtype=clips[0].dtype)
    for window, clip in zip(found, clips, strict=True):
        last = max(len(clip) - length, 0)
        start = last // 2 if rng is None else int(rng.integers(last + 1))
        # Of a memory-mapped clip the pages of this window alone are read, and copied once.
        fits = len(clip) >= length
        window[:] = clip[start : start + length] if fits else filled(clip, length)
    return found
