"""Training as one would write it first, to compare with: see ``training.py``.

float32, torch's default layout and optimiser, and nothing kept: each clip of each batch is decoded
and its log-mel computed when it is drawn. Network, losses and what is drawn are rattle's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import nn

from rattle import Machine, Recipe
from rattle.clips.amplitude import Amplitude
from rattle.clips.manifest import Manifest
from rattle.features.log_mel import mel_filters
from rattle.learning.batches import Batch, BatchSource
from rattle.learning.data import TrainingData
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import Network, build_network
from rattle.learning.networks.blocks import Dropout
from rattle.learning.train import build_optimiser, descend

PLAIN = Placement(torch.device("cpu"), torch.float32)


@dataclass(frozen=True)
class Decoded:
    """Log-mels of some clips, each computed whenever it is asked for."""

    paths: list[str]
    statistics: Amplitude
    recipe: Recipe
    filters: torch.Tensor

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        samples, _ = soundfile.read(self.paths[index], dtype="float32")
        samples = (samples - self.statistics.mean) / self.statistics.deviation
        features = self.recipe.features
        spectrum = torch.stft(
            torch.from_numpy(samples.astype(np.float32)),
            features.fft_samples,
            features.hop_samples,
            window=torch.hann_window(features.fft_samples),
            pad_mode="constant",
            return_complex=True,
        )
        bands = self.filters @ spectrum.abs().square()
        return (10 * bands.clamp_min(features.floor).log10()).T.numpy()

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[index] for index in range(len(self)))


def decoding(
    data: TrainingData, recipe: Recipe, statistics: dict[Machine, Amplitude]
) -> BatchSource:
    """The training's batches from files; ``statistics`` are taken as known."""
    filters = torch.from_numpy(
        mel_filters(
            recipe.features.mel_bands, recipe.features.fft_samples, recipe.audio.sample_rate_hz
        )
    )

    def decoded(clips: Manifest, machine: Machine) -> Decoded:
        return Decoded(clips.table["path"].to_list(), statistics[machine], recipe, filters)

    others = data.pool.clips.machines()
    return BatchSource(
        normals=decoded(data.trained_clips, data.machine),
        outliers=[decoded(data.pool.clips.of(machine), machine) for machine in others],
        normals_per_batch=recipe.training.normals_per_batch,
        outliers_per_batch=recipe.training.outliers_per_batch,
        window_frames=recipe.features.window_frames,
        bands=recipe.features.mel_bands,
        seed=data.source.seed,
    )


class Trainee:
    """A network in training, by rattle's means or plainly: ``step`` after ``step``."""

    def __init__(
        self, recipe: Recipe, source: BatchSource, placement: Placement | None = None
    ) -> None:
        torch.manual_seed(0)
        self.recipe, self.source = recipe, source
        self.network: Network = build_network(recipe)
        self.placement = placement or PLAIN
        if placement is None:
            _with_torchs_dropout(self.network)
            self.optimiser: torch.optim.Optimizer = torch.optim.Adam(self.network.parameters())
        else:
            placement.network(self.network)
            self.optimiser = build_optimiser(self.network, recipe)
        self.network.train()
        dimensions = self.network.dimensions
        self.pair = CentroidPair(torch.zeros(1, dimensions), torch.ones(1, dimensions))
        self.balance = self.placement.put(source.balance)
        self.iteration = 0

    def step(self) -> None:
        """Draw a batch and go down its loss."""
        batch = self.source.batch(self.iteration)
        self.iteration += 1
        self.descend(batch)

    def descend(self, batch: Batch) -> None:
        """Go down the loss of a batch."""
        descend(
            self.network,
            self.optimiser,
            batch,
            self.balance,
            self.pair,
            self.recipe,
            self.placement,
        )


def _with_torchs_dropout(network: nn.Module) -> None:
    for module in network.modules():
        for name, part in list(module.named_children()):
            if isinstance(part, Dropout):
                setattr(module, name, nn.Dropout(part.p))
