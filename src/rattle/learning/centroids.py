"""Centroids c_p and c_n of the embeddings (sections II-B and III)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from rattle.learning.batches import BatchSource, LogMels
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
    source: BatchSource,
    settings: Centroids,
    placement: Placement,
    *,
    turn: int,
) -> CentroidPair:
    """Mean embeddings of the normal and of the outlier training clips, one window a clip.

    ``turn`` numbers the computation: with the source's seed it decides which clips and crops are
    read. Anomalies belong to the outlier class (section IV-C). c_n of the entire training set is
    the plain mean over that class (section III); of a sample it weighs machines, and the anomalies
    against them, as batches do.
    """
    rng = stream(source.seed, PASS, turn)
    normals = _chosen([source.normals], settings.clips_per_class, rng)
    groups = [*source.outliers, *([source.anomalies] if len(source.anomalies) else [])]
    outliers = _chosen(groups, settings.clips_per_class, rng)
    crops = rng if settings.crop == "random" else None
    with _measuring(network, settings.mode):
        normal = _mean_embeddings(network, source, normals, placement, crops)
        outlier = _mean_embeddings(network, source, outliers, placement, crops)
    weights = _batch_shares(source) if settings.clips_per_class else [len(o) for o in outliers]
    shares = torch.tensor(weights, device=outlier.device) / sum(weights)
    return CentroidPair(normal[0], (shares[:, None] * outlier).sum(dim=0))


def _batch_shares(source: BatchSource) -> list[float]:
    machines = len(source.outliers)
    if not len(source.anomalies):
        return [1] * machines
    return [*[source.outliers_per_batch / machines] * machines, source.anomalies_per_batch]


def random_centroid(dimensions: int, seed: int) -> Tensor:
    """DSAD's fixed random centroid ``[D]`` (section IV-A), standard normal."""
    return torch.from_numpy(stream(seed, PASS).standard_normal(dimensions, dtype=np.float32))


def pushed_from_zero(centroid: Tensor) -> Tensor:
    """Entries below 0.1 in size set to 0.1 of their sign, after Deep SAD."""
    sign = torch.where(centroid < 0, -1.0, 1.0)
    return torch.where(centroid.abs() < SMALLEST_ENTRY, SMALLEST_ENTRY * sign, centroid)


@contextlib.contextmanager
def _measuring(network: Network, mode: str) -> Iterator[None]:
    """The network without dropout, by its own or by the batch's statistics, changed by neither."""
    was_training = network.training
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    network.eval()
    try:
        for norm in norms:
            norm.training, norm.track_running_stats = mode == "training", mode != "training"
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        network.train(was_training)


def _chosen(
    machines: Sequence[LogMels], limit: int, rng: np.random.Generator
) -> list[list[np.ndarray]]:
    share = -(-limit // len(machines)) if limit else 0
    return [[clips[int(i)] for i in _sample(len(clips), share, rng)] for clips in machines]


def _sample(count: int, limit: int, rng: np.random.Generator) -> np.ndarray:
    if not limit or limit >= count:
        return np.arange(count)
    return np.sort(rng.choice(count, limit, replace=False))


def _mean_embeddings(
    network: Network,
    source: BatchSource,
    machines: list[list[np.ndarray]],
    placement: Placement,
    crops: np.random.Generator | None,
) -> Tensor:
    """Mean embedding of each machine's clips ``[machines, D]``."""
    clips = [clip for of_one in machines for clip in of_one]
    embeddings = []
    with torch.no_grad():
        for first in range(0, len(clips), BATCH):
            windows = source.crops(clips[first : first + BATCH], crops)
            with placement.autocast():
                z = network.encoder(placement.put(windows))
            embeddings.append(z.float())
    of_machines = torch.split(torch.cat(embeddings), [len(clips) for clips in machines])
    return torch.stack([part.mean(dim=0) for part in of_machines])
