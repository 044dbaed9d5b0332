"""The training loop (section IV-A)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from rattle.errors import TrainingError
from rattle.learning import centroids, checkpoint
from rattle.learning.autoencoder import pretrain
from rattle.learning.batches import DROPOUT, BatchSource, generator
from rattle.learning.checkpoint import Checkpoint
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair, combined
from rattle.learning.networks import Network
from rattle.recipe import Recipe


@dataclass(frozen=True)
class Step:
    """What one iteration gave; ``iteration`` counts from 1, losses as in equation 4."""

    iteration: int
    loss: float
    bce: float | None
    metric: float | None


@dataclass(frozen=True)
class Interruption:
    """Where a training keeps its state and how it learns that it should stop."""

    checkpoint: Path | None
    identity: str
    requested: Callable[[], bool]


class Interrupted(Exception):  # noqa: N818 - a signal like KeyboardInterrupt, not an error
    """Training stopped on request; its checkpoint holds the state."""


def train(
    network: Network,
    source: BatchSource,
    recipe: Recipe,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
    *,
    fixed: CentroidPair | None = None,
) -> CentroidPair | None:
    """Train the network in place and return the centroids of the trained network, if it has any.

    ``fixed`` is DSAD's centroid where the network was trained with one before; without it DSAD
    starts as ``centroids.dsad_start`` says.

    The same seed, recipe, clips, device and thread count give the same weights, whether or not the
    training was interrupted on the way.
    """
    settings = recipe.training
    optimiser = _optimiser(network, recipe)
    path, identity = interruption.checkpoint, interruption.identity
    if path is not None and path.exists():
        state = checkpoint.load(path, network, optimiser, placement.device, identity=identity)
    else:
        state = Checkpoint(0, fixed or _first_centroids(network, source, recipe, placement))
    saved_at = time.monotonic()

    network.train()
    for iteration in range(state.iteration, settings.iterations):
        pair = state.centroids
        if _recompute_due(iteration, source, recipe):
            pair = centroids.compute(network, source, recipe.centroids, placement, turn=iteration)
        torch.manual_seed(int(generator(source.seed, DROPOUT, iteration).integers(2**63)))
        rate = settings.decay_factor ** (iteration // settings.decay_every)
        for group in optimiser.param_groups:
            group["lr"] = group["start"] * rate

        batch = source.batch(iteration)
        with placement.autocast():
            z, logits = network(placement.put(batch.windows))
        parts = combined(
            z.float(),
            None if logits is None else logits.float(),
            pair,
            torch.from_numpy(batch.is_normal).to(placement.device),
            torch.from_numpy(batch.is_target).to(placement.device),
            recipe.loss,
        )
        optimiser.zero_grad()
        parts.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

        state = Checkpoint(iteration + 1, pair)
        step = Step(
            state.iteration,
            parts.total.item(),
            None if parts.bce is None else parts.bce.item(),
            None if parts.metric is None else parts.metric.item(),
        )
        if not math.isfinite(step.loss):
            raise TrainingError(
                f"the loss became {step.loss} at iteration {step.iteration}; lower the learning "
                "rates, or raise loss.epsilon, in the recipe"
            )
        on_step(step)
        stopping = interruption.requested()
        if path is not None and (
            stopping or time.monotonic() - saved_at >= settings.checkpoint_seconds
        ):
            checkpoint.save(path, network, optimiser, state, identity=identity)
            saved_at = time.monotonic()
        if stopping:
            raise Interrupted

    network.eval()
    if _has_moving_centroids(recipe):
        # The scores measure from where the finished network puts the normal class.
        return centroids.compute(
            network, source, recipe.centroids, placement, turn=settings.iterations
        )
    return state.centroids


def _optimiser(network: Network, recipe: Recipe) -> torch.optim.Adam:
    settings = recipe.training
    groups = [
        {"params": list(network.encoder.parameters()), "start": settings.encoder_learning_rate}
    ]
    if network.head is not None:
        groups.append(
            {"params": list(network.head.parameters()), "start": settings.head_learning_rate}
        )
    return torch.optim.Adam(groups, lr=settings.encoder_learning_rate)


def _has_moving_centroids(recipe: Recipe) -> bool:
    return recipe.loss.name.endswith("ddcsad")


def _recompute_due(iteration: int, source: BatchSource, recipe: Recipe) -> bool:
    every = recipe.centroids.epoch_iterations or source.epoch_iterations
    return _has_moving_centroids(recipe) and iteration % every == 0


def _first_centroids(
    network: Network, source: BatchSource, recipe: Recipe, placement: Placement
) -> CentroidPair | None:
    if not recipe.loss.name.endswith("dsad") or _has_moving_centroids(recipe):
        return None
    if recipe.centroids.dsad_start == "random":
        fixed = centroids.random_centroid(network.dimensions, source.seed)
        return CentroidPair(fixed.to(placement.device), None)
    pretrain(network, source, recipe, placement)
    started = centroids.compute(network, source, recipe.centroids, placement, turn=0)
    return CentroidPair(centroids.pushed_from_zero(started.normal), None)
