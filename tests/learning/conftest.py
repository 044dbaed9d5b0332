"""A tiny recipe, and log-mels that a tiny network can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from rattle.features.store import Pack
from rattle.learning.batches import BatchSource, Clips
from rattle.learning.device import Placement
from rattle.recipe import Recipe

MakeSource = Callable[..., BatchSource]


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """Embeddings of 8, windows of 32 frames by 16 bands, batches of 4 and 4."""
    return Recipe.load("small").with_values(
        network={"channels": 4, "blocks": [1, 1], "stem_kernel": 3, "stem_stride": 2},
        features={"fft_samples": 256, "hop_samples": 128, "mel_bands": 16, "window_frames": 32},
        loss={"name": "bce+ddcsad", "distance": "mean", "epsilon": 1.0},
        centroids={"epoch_iterations": 2, "clips_per_class": 0},
        adaptation={"anomalies_per_batch": 1},
        scoring={"view": "windows"},
        training={
            "iterations": 6,
            "normals_per_batch": 4,
            "outliers_per_batch": 4,
            "decay_every": 100,
            "encoder_learning_rate": 1e-3,
            "head_learning_rate": 1e-3,
            "minimum_normals": 4,
            "checkpoint_seconds": 3600,
            "precision": "float32",
        },
    )


@pytest.fixture(scope="session")
def cpu() -> Placement:
    return Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def make_source() -> MakeSource:
    """A function that makes batches of toy log-mels.

    Normals are loud in the lower bands, the other machines in the upper ones.
    """

    def make(normals: int = 9, others: Sequence[int] = (3, 5), seed: int = 0) -> BatchSource:
        rng = np.random.default_rng(0)

        def clips(count: int, loud: slice) -> Clips:
            lengths = rng.integers(33, 48, size=count)
            frames = rng.normal(-40, 3, (lengths.sum(), 16)).astype(np.float32)
            frames[:, loud] += 20
            return Clips(Pack(frames, np.cumsum([0, *lengths])), np.arange(count))

        return BatchSource(
            normals=clips(normals, slice(0, 8)),
            outliers=[clips(count, slice(8, 16)) for count in others],
            normals_per_batch=4,
            outliers_per_batch=4,
            window_frames=32,
            bands=16,
            seed=seed,
        )

    return make
