"""Centroids c_p and c_n of the embeddings (sections II-B and III)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from rattle.learning.batches import Source
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import Network
from rattle.randomness import PASS, stream
from rattle.recipe.parts import Centroids

BATCH = 64
# Deep SAD moves centroid entries this close to 0 away from it: a unit that is always 0 would
# otherwise match the centroid without seeing the sound.
SMALLEST_ENTRY = 0.1


def compute(
    network: Network,
    source: Source,
    settings: Centroids,
    placement: Placement,
    *,
    turn: int,
) -> CentroidPair:
    """Mean embeddings of each head's normal and outlier training clips, one window a clip.

    ``turn`` numbers the computation: with the source's seed it decides which clips and crops are
    read. A group's mean is computed once, whatever number of heads it is an outlier to.
    """
    rng = stream(source.seed, PASS, turn)
    sizes = source.sample_sizes(settings.clips_per_class)
    chosen = [
        [clips[int(i)] for i in _sample(len(clips), size, rng)]
        for clips, size in zip(source.groups, sizes, strict=True)
    ]
    crops = rng if settings.crop == "random" else None
    with _measuring(network, settings.mode):
        means = _mean_embeddings(network, source, chosen, placement, crops)
    classes = source.classes(sampled=settings.clips_per_class > 0)
    return CentroidPair(
        placement.put(classes.normal) @ means, placement.put(classes.outlier) @ means
    )


def random_centroids(heads: int, dimensions: int, seed: int) -> Tensor:
    """DSAD's fixed random centroids ``[H, D]`` (section IV-A), standard normal."""
    return torch.from_numpy(
        stream(seed, PASS).standard_normal((heads, dimensions), dtype=np.float32)
    )


def pushed_from_zero(centroid: Tensor) -> Tensor:
    """Entries below 0.1 in size set to 0.1 of their sign, after Deep SAD."""
    sign = torch.where(centroid < 0, -1.0, 1.0)
    return torch.where(centroid.abs() < SMALLEST_ENTRY, SMALLEST_ENTRY * sign, centroid)


@contextlib.contextmanager
def _measuring(network: Network, mode: str) -> Iterator[None]:
    """The network without dropout, by its own or by the batch's statistics, changed by neither."""
    was_training = network.training
    norms = [
        part for part in network.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    network.eval()
    try:
        for norm in norms:
            norm.training, norm.track_running_stats = mode == "training", mode != "training"
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        network.train(was_training)


def _sample(count: int, limit: int, rng: np.random.Generator) -> np.ndarray:
    if not limit or limit >= count:
        return np.arange(count)
    return np.sort(rng.choice(count, limit, replace=False))


def _mean_embeddings(
    network: Network,
    source: Source,
    groups: list[list[np.ndarray]],
    placement: Placement,
    crops: np.random.Generator | None,
) -> Tensor:
    """Mean embedding of each group's clips ``[groups, D]``."""
    clips = [clip for of_one in groups for clip in of_one]
    embeddings = []
    with torch.no_grad():
        for first in range(0, len(clips), BATCH):
            views = source.windows(clips[first : first + BATCH], crops)
            with placement.autocast():
                z = network.encoder(*map(placement.put, views))
            embeddings.append(z.float())
    of_groups = torch.split(torch.cat(embeddings), [len(clips) for clips in groups])
    return torch.stack([part.mean(dim=0) for part in of_groups])
