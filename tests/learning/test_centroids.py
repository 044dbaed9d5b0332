"""Centroids: mean embeddings, and a pass that leaves the network as it was."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from rattle.learning import centroids
from rattle.learning.batches import BatchSource, ClipFeatures
from rattle.learning.networks import Network, build_network


def is_norm(part: torch.nn.Module) -> bool:
    return isinstance(part, torch.nn.BatchNorm2d)


@pytest.fixture
def network(tiny) -> Network:
    """A network whose running statistics are not those it was made with."""
    torch.manual_seed(0)
    network = build_network(tiny.with_values(network={"dropout": 0.5}))
    for part in network.modules():
        if is_norm(part) and part.affine:
            torch.nn.init.uniform_(part.weight, 0.5, 1)
    network.train()
    for _ in range(5):
        network(torch.randn(4, 32, 16) * 10 - 40)
    return network


def plain_mean(network: Network, source: BatchSource, clips: ClipFeatures) -> Tensor:
    network.eval()
    (windows,) = source.windows(list(clips), None)
    with torch.no_grad():
        return network.encoder(torch.from_numpy(windows)).mean(dim=0, keepdim=True)


def settings(tiny, **values):
    return tiny.with_values(centroids={"clips_per_class": 0, "crop": "centre", **values}).centroids


def test_over_all_clips_a_centroid_is_the_plain_mean(tiny, cpu, make_source, network) -> None:
    source = make_source(others=(6,))
    pair = centroids.compute(network, source, settings(tiny), cpu, turn=0)
    assert pair.outlier is not None
    torch.testing.assert_close(pair.normal, plain_mean(network, source, source.normals))
    torch.testing.assert_close(pair.outlier, plain_mean(network, source, source.outliers[0]))
    assert not torch.allclose(pair.normal, pair.outlier)


@pytest.mark.parametrize(("limit", "shares"), [(0, (2 / 9, 7 / 9)), (100, (1 / 2, 1 / 2))])
def test_of_all_clips_each_weighs_the_same_and_of_a_sample_each_machine_does(
    tiny, cpu, make_source, network, limit, shares
) -> None:
    source = make_source(others=(2, 7))
    how = settings(tiny, clips_per_class=limit)
    pair = centroids.compute(network, source, how, cpu, turn=0)
    means = [plain_mean(network, source, machine) for machine in source.outliers]
    torch.testing.assert_close(pair.outlier, shares[0] * means[0] + shares[1] * means[1])


def with_anomalies(source: BatchSource, count: int, per_batch: int) -> BatchSource:
    """As ``source``, with the first normals' sound turned upside down for anomalies."""
    anomalies = [source.normals[i][:, ::-1].copy() for i in range(count)]
    return dataclasses.replace(source, anomalies=anomalies, anomalies_per_batch=per_batch)


def test_anomalies_belong_to_the_outliers_centroid_and_not_to_the_normals(
    tiny, cpu, make_source, network
) -> None:
    """Of the entire training set each clip weighs the same (section III)."""
    plain = make_source(others=(2, 4))
    source = with_anomalies(plain, 3, 1)
    pair = centroids.compute(network, source, settings(tiny), cpu, turn=0)
    before = centroids.compute(network, plain, settings(tiny), cpu, turn=0)
    torch.testing.assert_close(pair.normal, before.normal)
    anomalies = plain_mean(network, source, source.anomalies)
    torch.testing.assert_close(pair.outlier, (6 * before.outlier + 3 * anomalies) / 9)
    assert not torch.allclose(pair.outlier, before.outlier)


@pytest.mark.parametrize("per_batch", [1, 2])
def test_of_a_sample_anomalies_weigh_against_machines_as_batches_draw_them(
    tiny, cpu, make_source, network, per_batch
) -> None:
    source = with_anomalies(make_source(others=(2, 4)), 3, per_batch)
    how = settings(tiny, clips_per_class=100)
    pair = centroids.compute(network, source, how, cpu, turn=0)
    one, other = (plain_mean(network, source, machine) for machine in source.outliers)
    anomalies = plain_mean(network, source, source.anomalies)
    # Four outliers a batch, two of each machine, beside the anomalies.
    expected = (2 * one + 2 * other + per_batch * anomalies) / (4 + per_batch)
    torch.testing.assert_close(pair.outlier, expected)


def test_more_windows_than_fit_at_once_give_the_same(
    tiny, cpu, make_source, network, monkeypatch
) -> None:
    source = make_source()
    whole = centroids.compute(network, source, settings(tiny), cpu, turn=0)
    monkeypatch.setattr(centroids, "BATCH", 4)
    parts = centroids.compute(network, source, settings(tiny), cpu, turn=0)
    torch.testing.assert_close(parts.normal, whole.normal)
    torch.testing.assert_close(parts.outlier, whole.outlier)


@pytest.mark.parametrize("mode", ["evaluation", "training"])
@pytest.mark.parametrize("was_training", [True, False])
def test_a_pass_leaves_the_network_as_it_was(
    tiny, cpu, make_source, network, mode, was_training
) -> None:
    network.train(was_training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    flags = [part.training for part in network.modules()]
    centroids.compute(network, make_source(), settings(tiny, mode=mode), cpu, turn=0)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert [part.training for part in network.modules()] == flags
    assert all(part.track_running_stats for part in network.modules() if is_norm(part))
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_dropout_has_no_part_in_a_centroid(tiny, cpu, make_source, network, mode) -> None:
    source, how = make_source(), settings(tiny, mode=mode)
    torch.manual_seed(1)
    one = centroids.compute(network, source, how, cpu, turn=0)
    torch.manual_seed(2)
    other = centroids.compute(network, source, how, cpu, turn=0)
    assert torch.equal(one.normal, other.normal)
    assert torch.equal(one.outlier, other.outlier)


def test_in_training_mode_the_batch_is_normalised_by_itself(tiny, cpu, make_source, network):
    source, how = make_source(), settings(tiny, mode="training")
    before = centroids.compute(network, source, how, cpu, turn=0)
    for part in network.modules():
        if is_norm(part):
            part.running_mean.add_(3)
    after = centroids.compute(network, source, how, cpu, turn=0)
    torch.testing.assert_close(after.normal, before.normal)
    evaluated = centroids.compute(network, source, settings(tiny), cpu, turn=0)
    assert not torch.allclose(after.normal, evaluated.normal)


def test_a_turn_reads_the_same_windows_each_time_and_another_turn_others(
    tiny, cpu, make_source, network
) -> None:
    source, how = make_source(), settings(tiny, crop="random")
    one, again, other = (
        centroids.compute(network, source, how, cpu, turn=turn) for turn in (1, 1, 2)
    )
    assert torch.equal(one.normal, again.normal)
    assert torch.equal(one.outlier, again.outlier)
    assert not torch.equal(one.normal, other.normal)
    assert not torch.equal(one.outlier, other.outlier)


@pytest.mark.parametrize(
    ("limit", "read"),
    [
        (0, 9 + 3 + 5),
        # Six normals and a half of six of each machine.
        (6, 6 + 3 + 3),
        (7, 7 + 3 + 4),
        (100, 9 + 3 + 5),
    ],
)
def test_a_limit_is_shared_evenly_by_the_machines(
    tiny, cpu, make_source, network, limit, read
) -> None:
    seen = []
    network.encoder.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    how = settings(tiny, clips_per_class=limit)
    centroids.compute(network, make_source(9, (3, 5)), how, cpu, turn=0)
    assert sum(seen) == read


def test_the_clips_within_a_limit_change_from_turn_to_turn(tiny, cpu, make_source, network):
    how = settings(tiny, clips_per_class=2)
    turns = [centroids.compute(network, make_source(), how, cpu, turn=t).normal for t in range(3)]
    assert not torch.equal(turns[0], turns[1]) or not torch.equal(turns[1], turns[2])


def test_a_random_centroid_depends_on_the_seed_alone() -> None:
    torch.manual_seed(0)
    one = centroids.random_centroids(1, 2000, seed=5)
    assert one.shape == (1, 2000)
    torch.manual_seed(1)
    assert torch.equal(one, centroids.random_centroids(1, 2000, seed=5))
    assert not torch.equal(one, centroids.random_centroids(1, 2000, seed=6))
    # Standard normal: within four standard errors.
    assert one.mean().item() == pytest.approx(0, abs=4 / 2000**0.5)
    assert one.std().item() == pytest.approx(1, abs=4 / 4000**0.5)


def test_entries_close_to_zero_are_pushed_away_from_it() -> None:
    centroid = torch.tensor([0.05, -0.05, 0.0, 0.5, -0.1, -3.0])
    pushed = centroids.pushed_from_zero(centroid)
    torch.testing.assert_close(pushed, torch.tensor([0.1, -0.1, 0.1, 0.5, -0.1, -3.0]))
