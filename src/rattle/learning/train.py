"""Train a network (section IV-A)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor

from rattle.ahead import map_ahead
from rattle.errors import TrainingError
from rattle.learning import centroids
from rattle.learning.autoencoder import pretrain
from rattle.learning.batches import Batch, Source
from rattle.learning.checkpoint import Checkpoint, Interruption, Keeper
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair, Labels, LossParts, combined
from rattle.learning.networks import Network
from rattle.randomness import DROPOUT, stream
from rattle.recipe import Recipe
from rattle.recipe.parts import Training

# Where a cycle begins, and when it is at its top.
CYCLE_START, CYCLE_TOP = 1 / 25, 0.3


@dataclass(frozen=True)
class Step:
    """What one iteration gave; ``iteration`` counts from 1, losses as in equation 4."""

    iteration: int
    loss: float
    bce: float | None
    metric: float | None


def train(
    network: Network,
    source: Source,
    recipe: Recipe,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
    *,
    fixed: CentroidPair | None = None,
    part: float = 1.0,
) -> CentroidPair | None:
    """Train the network in place and return the centroids of the trained network, if it has any.

    ``fixed`` is DSAD's centroid where the network was trained with one before; without it DSAD
    starts as ``centroids.dsad_start`` says. ``part`` is how far its weights go from what they were
    to what training made of them: less than all of the way keeps more of what it knew (Wortsman et
    al., Robust fine-tuning of zero-shot models, 2022).

    The same seed, recipe, clips, device and thread count give the same weights, whether or not the
    training was interrupted on the way.
    """
    with (
        placement.repeatable(recipe.training.deterministic),
        placement.sparing_a_core(recipe.sees_spectrum),
    ):
        return _train(network, source, recipe, placement, interruption, on_step, fixed, part)


def _train(
    network: Network,
    source: Source,
    recipe: Recipe,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
    fixed: CentroidPair | None,
    part: float,
) -> CentroidPair | None:
    settings = recipe.training
    before = _copied(network) if part < 1 else None
    optimiser = build_optimiser(network, recipe)
    keeper = Keeper(interruption, network, optimiser, every_s=settings.checkpoint_seconds)
    state = keeper.resume(placement.device)
    if state is None:
        state = Checkpoint(0, fixed or _first_centroids(network, source, recipe, placement))

    network.train()
    balance = placement.put(source.balance)
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
            rate = rate_at(iteration, settings)
            for group in optimiser.param_groups:
                group["lr"] = group["top"] * rate

            parts = descend(network, optimiser, batch, balance, pair, recipe, placement)

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
    if before is not None:
        _go_back(network, before, part)
    if recipe.has_moving_centroids and not recipe.measures_nearest:
        # The scores measure from where the finished network puts the normal class.
        return centroids.compute(
            network, source, recipe.centroids, placement, turn=settings.iterations
        )
    return state.centroids


def _copied(network: Network) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _go_back(network: Network, before: dict[str, Tensor], part: float) -> None:
    """Leave the weights at ``part`` of the way from what they were before."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(before[name] + part * (value - before[name]))


def descend(
    network: Network,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    balance: Tensor,
    pair: CentroidPair | None,
    recipe: Recipe,
    placement: Placement,
) -> LossParts:
    """One step down the loss of a batch; ``balance`` is the source's, on the device.

    The convolutions run in the placement's precision. The losses, whose inverse power of a small
    distance does not bear rounding, the gradients and the weights stay float32.
    """
    with placement.autocast():
        z = network.encoder(*map(placement.put, batch.views))
    counted = None if batch.counted is None else placement.put(batch.counted)
    labels = Labels(placement.put(batch.normal), placement.put(batch.target), balance, counted)
    z = z.float()
    parts = combined(z, network.logits(z), pair, labels, recipe.loss)
    total = parts.total
    for part in network.branches:
        of_part = None if pair is None else pair.of(part)
        alone = combined(z[:, part], network.logits(z, part), of_part, labels, recipe.loss)
        total = total + network.branch_weight * alone.total
    optimiser.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return parts


def rate_at(iteration: int, settings: Training) -> float:
    """The factor of both learning rates at an iteration: steps down, or one cycle.

    The cycle is that of Smith and Topin (2018): up from a twenty-fifth to 1 in three tenths of the
    iterations, and down to next to nothing, each along half a cosine.
    """
    if settings.schedule == "steps":
        return settings.decay_factor ** (iteration // settings.decay_every)
    last = max(settings.iterations - 1, 1)
    top = CYCLE_TOP * last
    low, high, along = (
        (CYCLE_START, 1.0, iteration / top)
        if iteration <= top
        else (1.0, CYCLE_START * 1e-4, (iteration - top) / (last - top))
    )
    return high + (low - high) * (1 + math.cos(math.pi * along)) / 2


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


def build_optimiser(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    """Adam, with a group of parameters for each learning rate (section IV-A)."""
    settings = recipe.training
    groups = [{"params": list(network.encoder.parameters()), "top": settings.encoder_learning_rate}]
    if network.head is not None:
        groups.append(
            {"params": list(network.head.parameters()), "top": settings.head_learning_rate}
        )
    return torch.optim.AdamW(
        groups,
        lr=settings.encoder_learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _recompute_due(iteration: int, source: Source, recipe: Recipe) -> bool:
    every = recipe.centroids.epoch_iterations or source.epoch_iterations
    return recipe.has_moving_centroids and iteration % every == 0


def _first_centroids(
    network: Network, source: Source, recipe: Recipe, placement: Placement
) -> CentroidPair | None:
    if not recipe.loss.name.endswith("dsad") or recipe.has_moving_centroids:
        return None
    if recipe.centroids.dsad_start == "random":
        fixed = centroids.random_centroids(network.heads, network.dimensions, source.seed)
        return CentroidPair(fixed.to(placement.device), None)
    pretrain(network, source, recipe, placement)
    started = centroids.compute(network, source, recipe.centroids, placement, turn=0)
    return CentroidPair(centroids.pushed_from_zero(started.normal), None)
