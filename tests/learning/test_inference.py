"""What a trained network says of the windows of a clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rattle.learning import inference
from rattle.learning.device import Placement
from rattle.learning.inference import TrainedNetwork, head_of, restore_network
from rattle.learning.networks import Network, build_network
from rattle.recipe import Recipe

# 8 ms a frame.
FRAME_S = 128 / 16000
CENTROID = torch.arange(8.0)[None]


def network(recipe: Recipe) -> Network:
    torch.manual_seed(0)
    return build_network(recipe).eval()


def trained(recipe: Recipe, cpu) -> TrainedNetwork:
    net = network(recipe)
    cpu.network(net)
    centroid = None if recipe.loss.name == "bce" else CENTROID.numpy()
    return TrainedNetwork(recipe, net.encoder, head_of(net, 0, centroid, recipe), cpu)


def log_mel(frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(-40, 10, (frames, 16)).astype(np.float32)


def test_parts_are_the_networks_own_of_each_window(tiny, cpu) -> None:
    net, clip = trained(tiny, cpu), log_mel(59)
    parts = net.parts(clip)
    # Ten windows of 32 over 59 frames: every third.
    starts = range(0, 28, 3)
    with torch.no_grad():
        windows = np.stack([clip[s : s + 32] for s in starts])
        z, logits = network(tiny)(torch.from_numpy(windows))
    np.testing.assert_allclose(parts.start_s, np.array(starts) * FRAME_S, rtol=1e-12)
    np.testing.assert_allclose(parts.logits, logits[:, 0], rtol=1e-5)
    np.testing.assert_allclose(parts.distances, (z - CENTROID).square().mean(dim=1), rtol=1e-5)
    assert parts.logits.dtype == parts.distances.dtype == np.float64


def test_a_clip_seen_whole_is_one_window_of_its_own_length(tiny, cpu) -> None:
    net, clip = trained(tiny.with_values(scoring={"view": "whole"}), cpu), log_mel(59)
    parts = net.parts(clip)
    with torch.no_grad():
        z, logits = network(tiny)(torch.from_numpy(clip[None]))
    assert parts.start_s.tolist() == [0]
    np.testing.assert_allclose(parts.logits, logits[:, 0], rtol=1e-5)
    np.testing.assert_allclose(parts.distances, (z - CENTROID).square().mean(dim=1), rtol=1e-5)


def test_scores_are_in_float32_however_it_was_trained(tiny) -> None:
    """Another machine, without bfloat16, has to find the same."""
    clip = log_mel(59)
    exact = trained(tiny, Placement(torch.device("cpu"), torch.float32)).parts(clip)
    lower = trained(tiny, Placement(torch.device("cpu"), torch.bfloat16)).parts(clip)
    np.testing.assert_array_equal(lower.logits, exact.logits)
    np.testing.assert_array_equal(lower.distances, exact.distances)


def test_the_distance_is_the_mean_or_the_sum_that_it_was_trained_with(tiny, cpu) -> None:
    clip = log_mel(59)
    mean = trained(tiny, cpu).parts(clip).distances
    total = trained(tiny.with_values(loss={"distance": "sum"}), cpu).parts(clip).distances
    np.testing.assert_allclose(total, 8 * mean, rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "has_logits", "has_distances"),
    [
        ("bce", True, False),
        ("dsad", False, True),
        ("ddcsad", False, True),
        ("bce+dsad", True, True),
    ],
)
def test_a_part_that_the_loss_does_not_have_is_none(
    tiny, cpu, loss, has_logits, has_distances
) -> None:
    parts = trained(tiny.with_values(loss={"name": loss}), cpu).parts(log_mel(40))
    assert (parts.logits is not None) == has_logits
    assert (parts.distances is not None) == has_distances


def test_windows_beyond_what_fits_at_once_give_the_same(tiny, cpu, monkeypatch) -> None:
    net, clip = trained(tiny, cpu), log_mel(59)
    whole = net.parts(clip)
    monkeypatch.setattr(inference, "WINDOWS_AT_ONCE", 3)
    parts = net.parts(clip)
    np.testing.assert_allclose(parts.logits, whole.logits, rtol=1e-5)
    np.testing.assert_allclose(parts.distances, whole.distances, rtol=1e-5)
    np.testing.assert_array_equal(parts.start_s, whole.start_s)


@pytest.mark.parametrize("frames", [1, 20, 32])
def test_a_clip_no_longer_than_a_window_has_one(tiny, cpu, frames: int) -> None:
    parts = trained(tiny, cpu).parts(log_mel(frames))
    assert parts.start_s.tolist() == [0]
    assert np.isfinite(parts.logits).all()


def test_a_clip_of_just_the_longest_seconds_is_not_yet_long(tiny, cpu) -> None:
    recipe = tiny.with_values(scoring={"long_clip_seconds": 1.0, "timeline_seconds": 0.1})
    net = trained(recipe, cpu)
    # One second at 16 kHz gives 1 + 16000 // 128 = 126 frames, 1.1 s give 138.
    assert len(net.parts(log_mel(126)).start_s) == 10
    longer = net.parts(log_mel(138)).start_s
    # 0.1 s is 12.5 frames; the last window ends with the clip.
    np.testing.assert_allclose(np.diff(longer)[:-1], 12 * FRAME_S)
    assert longer[-1] == pytest.approx((138 - 32) * FRAME_S)


def test_a_network_that_was_trained_scores_and_does_not_learn(tiny, cpu) -> None:
    clip = log_mel(59)
    # A network is built to be trained.
    assert build_network(tiny).training
    net = TrainedNetwork.restored(tiny, trained(tiny, cpu).learnt(), cpu)
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    first, second = net.parts(clip), net.parts(clip)
    np.testing.assert_array_equal(first.logits, second.logits)
    state = net.encoder.state_dict()
    assert all(torch.equal(state[name], before[name]) for name in before)


def test_what_was_learnt_gives_the_network_and_the_model_again(tiny, cpu) -> None:
    net, clip = trained(tiny, cpu), log_mel(59)
    again = TrainedNetwork.restored(tiny, net.learnt(), cpu)
    np.testing.assert_array_equal(again.parts(clip).logits, net.parts(clip).logits)
    np.testing.assert_array_equal(again.parts(clip).distances, net.parts(clip).distances)
    rebuilt, _ = restore_network(tiny, net.learnt())
    expected = network(tiny).state_dict()
    assert rebuilt.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[n]) for n, value in rebuilt.state_dict().items())


def test_training_on_changes_no_model_that_the_network_came_from(tiny, cpu) -> None:
    net, clip = trained(tiny, cpu), log_mel(59)
    before = net.parts(clip)
    rebuilt, _ = restore_network(tiny, net.learnt())
    with torch.no_grad():
        for weight in rebuilt.parameters():
            weight.add_(1)
    np.testing.assert_array_equal(net.parts(clip).logits, before.logits)
