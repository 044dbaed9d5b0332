"""The encoder of two branches, and how a training goes with many heads."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from rattle.features.store import Pack
from rattle.learning.batches import Clips
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement
from rattle.learning.fleet import FleetSource
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import build_network
from rattle.learning.train import build_optimiser, descend, rate_at, train
from rattle.recipe import Recipe

HEADS = 3
QUICK = {
    "iterations": 200,
    "precision": "float32",
    "encoder_learning_rate": 5e-3,
    "head_learning_rate": 5e-2,
}


def views(recipe: Recipe, count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    features = recipe.features
    return (
        torch.randn(count, features.window_frames, features.mel_bands),
        torch.rand(count, recipe.spectrum_bins),
    )


@pytest.fixture
def source(tiny_fleet: Recipe) -> FleetSource:
    """Three machines, each with a tone of its own, told by its spectrum alone."""
    features = tiny_fleet.features
    rng = np.random.default_rng(0)
    frames, hop, bands = 70, features.hop_samples, features.mel_bands

    def machine(number: int) -> Clips:
        time = np.arange(frames * hop)
        rows = []
        for _ in range(6):
            tone = np.sin(2 * np.pi * (0.02 + 0.05 * number) * time + rng.uniform(0, 6))
            sound = (tone + 0.3 * rng.standard_normal(len(time))).reshape(frames, hop)
            rows.append(np.concatenate([np.zeros((frames, bands)), sound], axis=1))
        pack = Pack(np.concatenate(rows).astype(np.float16), np.arange(0, 6 * frames + 1, frames))
        return Clips(pack, np.arange(6))

    return FleetSource(
        groups=[machine(number) for number in range(HEADS)],
        weights=[1.0] * HEADS,
        windows_per_batch=12,
        window_frames=features.window_frames,
        bands=bands,
        mixup=True,
        seed=0,
    )


def test_an_embedding_is_both_branches_one_behind_the_other(tiny_fleet: Recipe) -> None:
    network = build_network(tiny_fleet, HEADS).eval()
    log_mel, spectrum = views(tiny_fleet)
    z, logits = network(log_mel, spectrum)
    assert z.shape == (4, 8)
    assert logits.shape == (4, HEADS)
    assert network.branches == (slice(0, 4), slice(4, 8))
    other, _ = network(torch.zeros_like(log_mel), spectrum)
    torch.testing.assert_close(other[:, :4], z[:, :4])
    assert not torch.allclose(other[:, 4:], z[:, 4:])


def test_a_branchs_logits_are_those_of_its_part_of_the_embedding(tiny_fleet: Recipe) -> None:
    network = build_network(tiny_fleet, HEADS).eval()
    z, whole = network(*views(tiny_fleet))
    parts = [network.logits(z, part) for part in network.branches]
    torch.testing.assert_close(parts[0] + parts[1] - network.head.bias, whole)


@pytest.mark.parametrize("frames", [32, 64, 96, 160, 256])
def test_it_takes_windows_of_any_length_that_a_recipe_may_choose(frames: int) -> None:
    recipe = Recipe.load("fleet").with_values(features={"window_frames": frames})
    z, _ = build_network(recipe).eval()(*views(recipe, 2))
    assert z.shape == (2, 256)
    assert torch.isfinite(z).all()


def test_each_branch_has_a_loss_of_its_own_as_heavy_as_the_recipe_says(
    tiny_fleet: Recipe, source: FleetSource, cpu: Placement
) -> None:
    def gradient(branch_weight: float) -> torch.Tensor:
        recipe = tiny_fleet.with_values(network={"branch_weight": branch_weight})
        torch.manual_seed(0)
        network = build_network(recipe, HEADS).train()
        optimiser = build_optimiser(network, recipe)
        pair = CentroidPair(torch.zeros(HEADS, 8), torch.ones(HEADS, 8))
        balance = torch.from_numpy(source.balance)
        descend(network, optimiser, source.batch(0), balance, pair, recipe, cpu)
        return network.head.weight.grad.clone()

    none, half, one = (gradient(weight) for weight in (0.0, 0.5, 1.0))
    assert not torch.allclose(none, one)
    torch.testing.assert_close(half - none, (one - none) / 2, rtol=1e-3, atol=1e-5)


def test_a_fleet_is_told_apart_by_its_spectra(
    tiny_fleet: Recipe, source: FleetSource, cpu: Placement
) -> None:
    recipe = tiny_fleet.with_values(training=QUICK)
    torch.manual_seed(0)
    network = build_network(recipe, HEADS)
    # Mixed windows have a loss that stays.
    source = dataclasses.replace(source, mixup=False)
    losses: list[float] = []
    interruption = Interruption(None, "", lambda: False)
    train(network, source, recipe, cpu, interruption, lambda step: losses.append(step.bce or 0))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    means = []
    for group in source.groups:
        seen = [torch.from_numpy(view) for view in source.windows(list(group), None)]
        with torch.no_grad():
            means.append(network.eval()(*seen)[1].mean(dim=0))
    # Each head finds its own machine the most normal one.
    assert torch.stack(means).argmax(dim=0).tolist() == [0, 1, 2]


def test_a_cycle_goes_up_for_three_tenths_and_down_to_nothing(tiny_fleet: Recipe) -> None:
    settings = tiny_fleet.with_values(training={"iterations": 101}).training
    rates = [rate_at(iteration, settings) for iteration in range(101)]
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[30] == pytest.approx(1)
    assert rates[100] == pytest.approx(1 / 25 * 1e-4)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_a_cycle_of_one_iteration_is_one(tiny_fleet: Recipe) -> None:
    settings = tiny_fleet.with_values(training={"iterations": 1}).training
    assert 0 < rate_at(0, settings) <= 1
