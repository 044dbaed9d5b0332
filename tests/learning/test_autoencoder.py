"""DSAD's pre-training: an encoder that keeps what is needed to rebuild normal sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from rattle.learning import autoencoder
from rattle.learning.autoencoder import Decoder, pretrain
from rattle.learning.networks import Network, build_network
from rattle.recipe import Recipe


def fresh(recipe: Recipe) -> Network:
    torch.manual_seed(0)
    return build_network(recipe)


def recipe_of(tiny: Recipe, iterations: int) -> Recipe:
    return tiny.with_values(loss={"name": "dsad"}, centroids={"autoencoder_iterations": iterations})


@pytest.mark.parametrize(("frames", "bands"), [(256, 128), (32, 16), (100, 40)])
def test_a_decoder_gives_windows_of_any_size(frames: int, bands: int) -> None:
    assert Decoder(8, frames, bands)(torch.randn(2, 8)).shape == (2, frames, bands)


def test_the_rebuilt_windows_come_closer(tiny, cpu, make_source, monkeypatch) -> None:
    errors: list[float] = []
    plain = autoencoder.mse_loss

    def watched(rebuilt: Tensor, target: Tensor) -> Tensor:
        error = plain(rebuilt, target)
        errors.append(error.item())
        return error

    monkeypatch.setattr(autoencoder, "mse_loss", watched)
    recipe = recipe_of(tiny, 15)
    pretrain(fresh(recipe), make_source(), recipe, cpu)
    assert len(errors) == 15
    assert np.mean(errors[-5:]) < np.mean(errors[:5])


def test_the_target_has_every_band_at_mean_0_and_variance_1(
    tiny, cpu, make_source, monkeypatch
) -> None:
    targets: list[Tensor] = []
    plain = autoencoder.mse_loss

    def watched(rebuilt: Tensor, target: Tensor) -> Tensor:
        assert rebuilt.shape == target.shape
        targets.append(target)
        return plain(rebuilt, target)

    monkeypatch.setattr(autoencoder, "mse_loss", watched)
    recipe = recipe_of(tiny, 1)
    pretrain(fresh(recipe), make_source(), recipe, cpu)
    (target,) = targets
    bands = target.flatten(0, 1)
    torch.testing.assert_close(bands.mean(dim=0), torch.zeros(16), atol=1e-4, rtol=0)
    torch.testing.assert_close(bands.std(dim=0), torch.ones(16), atol=1e-3, rtol=0)


def test_only_normal_windows_are_seen(tiny, cpu, make_source) -> None:
    source, recipe = make_source(), recipe_of(tiny, 3)
    seen: list[Tensor] = []
    network = fresh(recipe)
    network.encoder.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].clone()))
    pretrain(network, source, recipe, cpu)
    for iteration, windows in enumerate(seen):
        np.testing.assert_array_equal(windows.numpy(), source.batch(iteration).views[0][:4])


def test_pretraining_depends_on_the_seed_alone(tiny, cpu, make_source) -> None:
    recipe = recipe_of(tiny.with_values(network={"dropout": 0.3}), 3)
    states = []
    for global_seed, seed in ((1, 0), (2, 0), (1, 5)):
        network = fresh(recipe)
        torch.manual_seed(global_seed)
        pretrain(network, make_source(seed=seed), recipe, cpu)
        states.append(network.state_dict())
    one, again, other = states
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_the_encoder_moves_and_no_decoder_stays(tiny, cpu, make_source) -> None:
    recipe = recipe_of(tiny, 1)
    network = fresh(recipe)
    before = {name: value.clone() for name, value in network.named_parameters()}
    pretrain(network, make_source(), recipe, cpu)
    assert dict(network.named_parameters()).keys() == before.keys()
    weight = network.encoder.get_parameter("stem.0.weight")
    assert not torch.equal(weight, before["encoder.stem.0.weight"])
