"""Checkpoints: all of a training's state, in one file that is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rattle.errors import StorageError, TrainingError
from rattle.learning import checkpoint
from rattle.learning.checkpoint import Checkpoint
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import Network, build_network

CPU = torch.device("cpu")
PAIR = CentroidPair(torch.arange(8.0)[None], -torch.arange(8.0)[None])


def trained(tiny, seed: int) -> tuple[Network, torch.optim.Adam]:
    """A network after two steps, with the optimiser that took them."""
    torch.manual_seed(seed)
    network = build_network(tiny)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(2):
        optimiser.zero_grad()
        network(torch.randn(4, 32, 16))[1].square().sum().backward()
        optimiser.step()
    return network, optimiser


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint.safetensors"


@pytest.mark.parametrize("pair", [None, CentroidPair(PAIR.normal, None), PAIR])
def test_a_checkpoint_brings_back_network_optimiser_and_centroids(tiny, path, pair) -> None:
    network, optimiser = trained(tiny, 0)
    checkpoint.save(path, network, optimiser, Checkpoint(17, pair), identity="a")
    other, its_optimiser = trained(tiny, 1)
    found = checkpoint.load(path, other, its_optimiser, CPU, identity="a")
    assert found.iteration == 17
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    moments, its_moments = optimiser.state_dict()["state"], its_optimiser.state_dict()["state"]
    assert moments.keys() == its_moments.keys()
    for index, moment in moments.items():
        assert set(moment) == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(its_moments[index][name], moment[name]) for name in moment)
    if pair is None:
        assert found.centroids is None
    else:
        assert torch.equal(found.centroids.normal, pair.normal)
        assert (found.centroids.outlier is None) == (pair.outlier is None)
        assert pair.outlier is None or torch.equal(found.centroids.outlier, pair.outlier)


def test_a_checkpoint_before_the_first_step_has_no_moments(tiny, path) -> None:
    network = build_network(tiny)
    fresh = torch.optim.Adam(network.parameters(), 1e-2)
    checkpoint.save(path, network, fresh, Checkpoint(0, None), identity="a")
    other, its_optimiser = trained(tiny, 1)
    checkpoint.load(path, other, its_optimiser, CPU, identity="a")
    assert its_optimiser.state_dict()["state"] == {}


def test_a_save_that_is_cut_off_leaves_the_checkpoint_before_it(tiny, path, monkeypatch) -> None:
    network, optimiser = trained(tiny, 0)
    checkpoint.save(path, network, optimiser, Checkpoint(1, None), identity="a")
    before = path.read_bytes()

    def cut_off(file: Path, content: bytes) -> None:
        file.write_text(str(content[:100]))
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", cut_off)
        with pytest.raises(
            StorageError, match=r"checkpoint\.safetensors cannot .* \(no space left"
        ):
            checkpoint.save(path, network, optimiser, Checkpoint(2, None), identity="a")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_identity_is_refused_before_anything_is_filled(tiny, path) -> None:
    checkpoint.save(path, *trained(tiny, 0), Checkpoint(1, None), identity="a")
    network, optimiser = trained(tiny, 1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors is of another recipe"):
        checkpoint.load(path, network, optimiser, CPU, identity="b")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_file_that_is_no_checkpoint_is_refused(tiny, path) -> None:
    path.parent.mkdir()
    network, optimiser = trained(tiny, 0)
    save_file({"weight": torch.ones(3)}, path)
    with pytest.raises(TrainingError, match="cannot be read"):
        checkpoint.load(path, network, optimiser, CPU, identity="a")
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(TrainingError, match="remove it"):
        checkpoint.load(path, network, optimiser, CPU, identity="a")
