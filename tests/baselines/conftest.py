"""Toy log-mels and tiny recipes, so that a baseline is fitted in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rattle.baselines import fit_baseline
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement
from rattle.learning.model import Model
from rattle.learning.train import Step
from rattle.recipe import Recipe

LogMel = NDArray[np.float32]

# What makes each method quick on clips of some 40 frames by 16 bands.
NUMBERS = {
    "autoencoder": {"frames": 3, "hidden": 8, "bottleneck": 3, "epochs": 4, "batch": 64},
    "gmm": {"coefficients": 6, "components": 3},
    "ocsvm": {"coefficients": 6},
    "knn": {"neighbours": 2},
    "mahalanobis": {},
}


@pytest.fixture(scope="session")
def cpu() -> Placement:
    return Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="session")
def recipe_for() -> Callable[..., Recipe]:
    """A function that makes the tiny recipe of a method: 16 bands, 8 ms a frame."""

    def make(method: str, **parts: dict[str, object]) -> Recipe:
        tiny = Recipe.load("small").with_values(
            network={"channels": 4, "blocks": [1], "stem_kernel": 3},
            features={"fft_samples": 256, "hop_samples": 128, "mel_bands": 16, "window_frames": 32},
            baseline={"name": method, **NUMBERS[method]},
        )
        return tiny.with_values(**parts)

    return make


@pytest.fixture(scope="session")
def make_clips() -> Callable[..., list[LogMel]]:
    """A function that makes log-mels of unlike length whose loud band wanders slowly."""

    def make(count: int, *, seed: int = 0, louder: float = 0.0) -> list[LogMel]:
        rng = np.random.default_rng(seed)
        clips = []
        for _ in range(count):
            frames = int(rng.integers(33, 48))
            loud = 4 + 2 * np.sin(np.arange(frames) / 8 + rng.uniform(0, 6))
            shape = -60 + 20 * np.exp(-np.square((np.arange(16) - loud[:, None]) / 3))
            noise = rng.normal(0, 2, (frames, 16)) + rng.normal(0, 1)
            clip = shape + noise
            clip[:, 10:] += louder
            clips.append(clip.astype(np.float32))
        return clips

    return make


@pytest.fixture(scope="session")
def fit_to(cpu) -> Callable[..., Model]:
    """A function that fits a recipe's baseline to clips."""

    def fit(
        recipe: Recipe,
        normals: list[LogMel],
        *,
        seed: int = 0,
        interruption: Interruption | None = None,
        on_step: Callable[[Step], None] = lambda _: None,
    ) -> Model:
        interruption = interruption or Interruption(None, "", lambda: False)
        return fit_baseline(normals, recipe, seed, cpu, interruption, on_step)

    return fit
