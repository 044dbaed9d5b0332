"""Train the autoencoder: how badly dense layers that know normal sound rebuild a sound.

The official baseline of DCASE 2020 Task 2 (Koizumi et al., 2020), numerics included: Keras'
initial weights and batch norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import mse_loss

from rattle.baselines.stacks import Stacks, stacked
from rattle.baselines.stored import checked
from rattle.errors import TrainingError
from rattle.learning.batches import ClipFeatures
from rattle.learning.checkpoint import Checkpoint, Interruption, Keeper
from rattle.learning.device import Placement
from rattle.learning.model import Arrays
from rattle.learning.train import Step
from rattle.randomness import BASELINE, stream
from rattle.recipe.baselines import Autoencoder

SIDE_LAYERS = 4
# Keras' batch norm keeps 0.99 of its running statistics a batch; torch counts what is new.
BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM = 1e-3, 0.01
# Vectors rebuilt at a time; 20 MB of them.
VECTORS_AT_ONCE = 8192
# How many batches a batch norm has seen: of no use where its momentum is fixed.
COUNTERS = "num_batches_tracked"


@dataclass(frozen=True)
class Reconstruction:
    """A trained autoencoder of stacked frames, in evaluation mode on its device."""

    network: nn.Sequential
    frames: int
    placement: Placement

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Compute the mean squared error over all vectors of stacked frames, in dB^2."""
        vectors = stacked(log_mel, self.frames)
        total = 0.0
        with torch.inference_mode():
            for first in range(0, len(vectors), VECTORS_AT_ONCE):
                # Copied: the view is read-only, and its rows overlap.
                inputs = self.placement.put(vectors[first : first + VECTORS_AT_ONCE].copy())
                errors = (self.network(inputs) - inputs).square().mean(dim=1)
                total += float(errors.double().sum())
        return total / len(vectors)

    def arrays(self) -> Arrays:
        """Give the network's weights and running statistics, named by layer."""
        state = self.network.state_dict()
        lasting = {name: value for name, value in state.items() if not name.endswith(COUNTERS)}
        return {name: value.contiguous().cpu().numpy() for name, value in lasting.items()}


def fit(
    normals: ClipFeatures,
    settings: Autoencoder,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
    *,
    seed: int,
    checkpoint_seconds: float,
) -> Reconstruction:
    """Train on all vectors of the clips; one model a machine id (the official one: a machine type).

    ``on_step`` is called once an epoch, with the mean squared error of its batches. The same seed,
    clips, settings, device and thread count give the same weights, whether or not the training was
    interrupted on the way, which it can be between epochs (``Interrupted``). Raises
    ``TrainingError`` where the loss is no number and where the checkpoint is of another training.
    """
    vectors = Stacks.of(normals, settings.frames)
    torch.manual_seed(int(stream(seed, BASELINE).integers(2**63)))
    network = _network(settings, normals[0].shape[1]).to(placement.device)
    optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate)
    keeper = Keeper(interruption, network, optimiser, every_s=checkpoint_seconds)
    state = keeper.resume(placement.device)
    done = 0 if state is None else state.iteration

    network.train()
    for epoch in range(done + 1, settings.epochs + 1):
        order = stream(seed, BASELINE, epoch).permutation(len(vectors))
        loss = _train_epoch(network, optimiser, vectors, order, settings.batch, placement)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {epoch}; lower baseline.learning_rate in the "
                "recipe"
            )
        on_step(Step(iteration=epoch, loss=loss, bce=None, metric=None))
        keeper.step_done(Checkpoint(epoch, None))
    return Reconstruction(network.eval(), settings.frames, placement)


def restore(
    arrays: Arrays, settings: Autoencoder, placement: Placement, *, bands: int
) -> Reconstruction:
    """Rebuild the measure whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    with torch.device("meta"):  # without memory: a recipe may ask for more than there is
        state = _network(settings, bands).state_dict()
    shapes = {
        name: tuple(value.shape) for name, value in state.items() if not name.endswith(COUNTERS)
    }
    values = checked(arrays, np.float32, shapes)
    for name, value in values.items():
        if name.endswith("running_var") and not (value >= 0).all():
            raise ValueError(f"its array {name} holds variances below 0")
    network = _network(settings, bands)
    weights = {name: torch.from_numpy(value) for name, value in values.items()}
    network.load_state_dict({**network.state_dict(), **weights})
    return Reconstruction(network.to(placement.device).eval(), settings.frames, placement)


def _train_epoch(
    network: nn.Sequential,
    optimiser: torch.optim.Optimizer,
    vectors: Stacks,
    order: NDArray[np.int64],
    batch: int,
    placement: Placement,
) -> float:
    """Train on every vector once, in that order; give the mean squared error on the way."""
    total, count = 0.0, 0
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        if len(chosen) < 2:
            continue  # a batch norm has no variance of one vector; another epoch will hold it
        inputs = placement.put(vectors.take(chosen))
        loss = mse_loss(network(inputs), inputs)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total, count = total + loss.item() * len(chosen), count + len(chosen)
    return total / count


def _network(settings: Autoencoder, bands: int) -> nn.Sequential:
    """Build 640 - 4 x 128 - 8 - 4 x 128 - 640 with the official numbers.

    Shape: ``[B, frames bands] -> [B, frames bands]``.
    """
    size, side = settings.frames * bands, [settings.hidden] * SIDE_LAYERS
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([size, *side, settings.bottleneck, *side]):
        norm = nn.BatchNorm1d(outputs, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
        layers += [_dense(inputs, outputs), norm, nn.ReLU()]
    return nn.Sequential(*layers, _dense(settings.hidden, size))


def _dense(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
