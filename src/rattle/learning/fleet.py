"""Draw batches for many machines at once: each is the normal class of its own head.

All other machines are a head's outliers. Equations 1 to 4 are computed for each head and averaged
(``losses``), with one encoder below them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rattle.features.views import Rows, Views, views
from rattle.learning.batches import Batch, Classes, ClipFeatures, crops, let_go
from rattle.learning.mixup import mixed
from rattle.randomness import CROPS, MIXUP, OUTLIERS, stream

# Batches between two times of giving memory back: what they touch is 1.3 GB at most, and to map it
# again takes time.
LET_GO_EVERY = 64


@dataclass(frozen=True)
class FleetSource:
    """Draws windows of all ``groups``, a machine's clips each, and each with a head.

    A machine too small for a detector, and one given as an outlier alone, has a head all the same:
    the more there is to tell apart, the more the encoder has to hear. A machine is drawn by the
    root of its number of clips: one with a hundred times as many is drawn ten times as often, so
    that neither goes unheard; ``weights`` are factors to that.

    ``namesakes [groups, groups]`` tells which groups may be the same machine in several sets: they
    are neither normals nor outliers to each other. None where none are.
    """

    groups: Sequence[ClipFeatures]
    weights: Sequence[float]
    windows_per_batch: int
    window_frames: int
    bands: int
    mixup: bool
    seed: int
    namesakes: NDArray[np.bool_] | None = None

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """How much of a batch is each group's, ``[groups]``."""
        roots = np.sqrt([float(len(clips)) for clips in self.groups]) * self.weights
        return np.asarray(roots / roots.sum(), dtype=np.float64)

    @cached_property
    def balance(self) -> NDArray[np.float32]:
        """See ``Source``: a window is an outlier to every head but its own and its namesakes'.

        By the number of heads and not by the head's own share of a batch: the few clips of a small
        machine would outweigh all others.
        """
        balance = np.full(len(self.groups), len(self.groups) - 1, dtype=np.float32)
        return balance if self.namesakes is None else balance - self.namesakes.sum(axis=0)

    @property
    def epoch_iterations(self) -> int:
        """See ``Source``."""
        return -(-sum(map(len, self.groups)) // self.windows_per_batch)

    def batch(self, iteration: int) -> Batch:
        """Draw the batch of that iteration."""
        rng = stream(self.seed, OUTLIERS, iteration)
        drawn = rng.choice(len(self.groups), self.windows_per_batch, p=self.shares)
        clips = [self.groups[g][int(rng.integers(len(self.groups[g])))] for g in drawn]
        seen = self.windows(clips, stream(self.seed, CROPS, iteration))
        if iteration % LET_GO_EVERY == 0:
            let_go(self.groups)
        normal = np.asarray(drawn[:, None] == np.arange(len(self.groups)), dtype=np.float32)
        labels = normal
        if self.namesakes is not None:
            counted = 1 - self.namesakes[drawn].astype(np.float32)
            labels = np.concatenate([normal, counted], axis=1)
        if self.mixup:
            seen, labels = mixed(seen, labels, stream(self.seed, MIXUP, iteration))
        if self.namesakes is None:
            return Batch(seen, labels, labels)
        normal, counted = np.hsplit(labels, 2)
        return Batch(seen, normal, normal, counted)

    def windows(self, clips: Sequence[Rows], rng: np.random.Generator | None) -> Views:
        """See ``Source``."""
        return views(crops(clips, self.window_frames, rng), self.bands, self.window_frames)

    def sample_sizes(self, clips_per_class: int) -> list[int]:
        """See ``Source``: as many of each group, which is a class to some head."""
        return [clips_per_class] * len(self.groups)

    def classes(self, *, sampled: bool) -> Classes:
        """See ``Source``: groups count as batches draw them, or by their clips."""
        weights = self.shares if sampled else np.array([len(clips) for clips in self.groups])
        normal = np.eye(len(self.groups))
        apart = normal if self.namesakes is None else normal + self.namesakes
        outlier = np.where(apart, 0.0, weights)
        outlier /= outlier.sum(axis=1, keepdims=True)
        return Classes(normal.astype(np.float32), outlier.astype(np.float32))
