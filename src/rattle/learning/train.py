"""Train a network (section IV-A)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import torch

from rattle.ahead import map_ahead
from rattle.errors import TrainingError
from rattle.learning import centroids
from rattle.learning.autoencoder import pretrain
from rattle.learning.batches import Batch, BatchSource
from rattle.learning.checkpoint import Checkpoint, Interruption, Keeper
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair, LossParts, combined
from rattle.learning.networks import Network
from rattle.randomness import DROPOUT, stream
from rattle.recipe import Recipe
from rattle.recipe.parts import Loss


@dataclass(frozen=True)
class Step:
    """What one iteration gave; ``iteration`` counts from 1, losses as in equation 4."""

    iteration: int
    loss: float
    bce: float | None
    metric: float | None


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
    with placement.repeatable(recipe.training.deterministic):
        return _train(network, source, recipe, placement, interruption, on_step, fixed)


def _train(
    network: Network,
    source: BatchSource,
    recipe: Recipe,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
    fixed: CentroidPair | None,
) -> CentroidPair | None:
    settings = recipe.training
    optimiser = build_optimiser(network, recipe)
    keeper = Keeper(interruption, network, optimiser, every_s=settings.checkpoint_seconds)
    state = keeper.resume(placement.device)
    if state is None:
        state = Checkpoint(0, fixed or _first_centroids(network, source, recipe, placement))

    network.train()
    # A thread draws the next batch meanwhile; which it is does not depend on when.
    ahead = map_ahead(source.batch, range(state.iteration, settings.iterations), workers=1)
    with closing(ahead) as batches:
        for iteration, batch in enumerate(batches, start=state.iteration):
            pair = state.centroids
            if _recompute_due(iteration, source, recipe):
                pair = centroids.compute(
                    network, source, recipe.centroids, placement, turn=iteration
                )
            torch.manual_seed(int(stream(source.seed, DROPOUT, iteration).integers(2**63)))
            rate = settings.decay_factor ** (iteration // settings.decay_every)
            for group in optimiser.param_groups:
                group["lr"] = group["start"] * rate

            parts = descend(network, optimiser, batch, pair, recipe.loss, placement)

            state = Checkpoint(iteration + 1, pair)
            step = _step(state.iteration, parts)
            if not math.isfinite(step.loss):
                raise TrainingError(
                    f"the loss became {step.loss} at iteration {step.iteration}; lower the "
                    "learning rates, or raise loss.epsilon, in the recipe"
                )
            on_step(step)
            keeper.step_done(state)

    network.eval()
    if _has_moving_centroids(recipe):
        # The scores measure from where the finished network puts the normal class.
        return centroids.compute(
            network, source, recipe.centroids, placement, turn=settings.iterations
        )
    return state.centroids


def descend(
    network: Network,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    pair: CentroidPair | None,
    settings: Loss,
    placement: Placement,
) -> LossParts:
    """One step down the loss of a batch.

    The convolutions run in the placement's precision. The losses, whose inverse power of a small
    distance does not bear rounding, the gradients and the weights stay float32.
    """
    with placement.autocast():
        z, logits = network(placement.put(batch.windows))
    parts = combined(
        z.float(),
        None if logits is None else logits.float(),
        pair,
        placement.put(batch.is_normal),
        placement.put(batch.is_target),
        settings,
    )
    optimiser.zero_grad()
    parts.total.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return parts


def _step(iteration: int, parts: LossParts) -> Step:
    # Fetched together: on CUDA each fetch waits for the device.
    given = [part for part in (parts.total, parts.bce, parts.metric) if part is not None]
    values = iter(torch.stack(given).tolist())
    return Step(
        iteration,
        next(values),
        None if parts.bce is None else next(values),
        None if parts.metric is None else next(values),
    )


def build_optimiser(network: Network, recipe: Recipe) -> torch.optim.Adam:
    """Adam, with a group of parameters for each learning rate (section IV-A)."""
    settings = recipe.training
    groups = [
        {"params": list(network.encoder.parameters()), "start": settings.encoder_learning_rate}
    ]
    if network.head is not None:
        groups.append(
            {"params": list(network.head.parameters()), "start": settings.head_learning_rate}
        )
    return torch.optim.Adam(groups, lr=settings.encoder_learning_rate, fused=True)


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
