"""The autoencoder is the official one, learns, and goes on after a stop as if there were none."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rattle.baselines import reconstruction
from rattle.errors import Interrupted, TrainingError
from rattle.learning.checkpoint import Interruption
from rattle.learning.model import Arrays
from rattle.learning.train import Step
from rattle.recipe.baselines import Autoencoder

OFFICIAL = Autoencoder(name="autoencoder")
TINY = Autoencoder(name="autoencoder", frames=3, hidden=8, bottleneck=3, epochs=5, batch=64)


@dataclass
class Run:
    """One process's share of a training."""

    settings: Autoencoder
    clips: list[np.ndarray]
    cpu: object
    checkpoint: Path | None = None
    identity: str = "the same"
    stop_after: int | None = None
    checkpoint_seconds: float = 3600
    steps: list[Step] = field(default_factory=list)

    def requested(self) -> bool:
        return self.stop_after is not None and len(self.steps) >= self.stop_after

    def go(self) -> reconstruction.Reconstruction:
        return reconstruction.fit(
            self.clips,
            self.settings,
            self.cpu,
            Interruption(self.checkpoint, self.identity, self.requested),
            self.steps.append,
            seed=0,
            checkpoint_seconds=self.checkpoint_seconds,
        )


def same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(value, other[name]) for name, value in one.items()
    )


def test_the_network_is_the_official_one() -> None:
    network = reconstruction._network(OFFICIAL, bands=128)
    dense = [layer for layer in network if isinstance(layer, nn.Linear)]
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    assert [(d.in_features, d.out_features) for d in dense] == list(pairwise(widths))
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU"] * 9 + ["Linear"]
    # Keras states 267,928 trainable parameters of the published model.
    assert sum(parameter.numel() for parameter in network.parameters()) == 267_928


def test_the_distance_is_the_mean_squared_error_of_stacked_frames(make_clips, cpu) -> None:
    trained = Run(TINY, make_clips(8), cpu).go()
    assert not trained.network.training
    clip = make_clips(1, seed=1)[0]
    vectors = np.array([clip[t : t + 3].ravel() for t in range(len(clip) - 2)])
    with torch.no_grad():
        rebuilt = trained.network(torch.from_numpy(vectors)).numpy()
    expected = np.square(rebuilt.astype(np.float64) - vectors).mean()
    assert trained.distance(clip) == pytest.approx(expected, rel=1e-5)


def test_vectors_beyond_what_fits_at_once_give_the_same(make_clips, cpu, monkeypatch) -> None:
    trained = Run(TINY, make_clips(8), cpu).go()
    clip = make_clips(1, seed=1)[0]
    whole = trained.distance(clip)
    monkeypatch.setattr(reconstruction, "VECTORS_AT_ONCE", 7)
    assert trained.distance(clip) == pytest.approx(whole, rel=1e-6)


def test_the_loss_falls_epoch_by_epoch(make_clips, cpu) -> None:
    run = Run(TINY.model_copy(update={"epochs": 20, "learning_rate": 1e-2}), make_clips(20), cpu)
    run.go()
    losses = [step.loss for step in run.steps]
    assert [step.iteration for step in run.steps] == list(range(1, 21))
    assert all(step.bce is None and step.metric is None for step in run.steps)
    assert losses[-1] < 0.1 * losses[0]


def test_every_vector_is_trained_on_once_an_epoch(make_clips, cpu, monkeypatch) -> None:
    taken = []
    plain = reconstruction.Stacks.take

    def watched(stacks, chosen):
        taken.append(chosen)
        return plain(stacks, chosen)

    monkeypatch.setattr(reconstruction.Stacks, "take", watched)
    clips = make_clips(4)
    count = sum(len(clip) - 2 for clip in clips)
    Run(TINY.model_copy(update={"epochs": 2}), clips, cpu).go()
    batches = -(-count // 64)
    assert [len(chosen) for chosen in taken[: batches - 1]] == [64] * (batches - 1)
    first, second = (np.concatenate(taken[i : i + batches]) for i in (0, batches))
    np.testing.assert_array_equal(np.sort(first), np.arange(count))
    np.testing.assert_array_equal(np.sort(second), np.arange(count))
    assert not np.array_equal(first, second)


def test_a_last_batch_of_a_single_vector_is_left_out(cpu) -> None:
    clip = np.random.default_rng(0).normal(-40, 5, (67, 16)).astype(np.float32)
    run = Run(TINY, [clip], cpu)  # 65 vectors, 64 a batch
    run.go()
    assert np.isfinite([step.loss for step in run.steps]).all()


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_an_interrupted_training_goes_on_to_the_very_same_weights(
    make_clips, cpu, tmp_path, stop_after
) -> None:
    clips, path = make_clips(8), tmp_path / "checkpoint.safetensors"
    whole = Run(TINY, clips, cpu)
    expected = whole.go()
    first = Run(TINY, clips, cpu, path, stop_after=stop_after)
    with pytest.raises(Interrupted):
        first.go()
    assert len(first.steps) == stop_after
    second = Run(TINY, clips, cpu, path)
    torch.manual_seed(12345)
    found = second.go()
    assert first.steps + second.steps == whole.steps
    assert same(found.arrays(), expected.arrays())


def test_a_killed_training_goes_on_from_its_last_checkpoint(make_clips, cpu, tmp_path) -> None:
    clips, path = make_clips(8), tmp_path / "checkpoint.safetensors"
    expected = Run(TINY, clips, cpu).go()

    def killed() -> bool:
        # Asked after the epoch and before its checkpoint: epoch 4 is lost.
        if len(first.steps) == 4:
            raise MemoryError
        return False

    first = Run(TINY, clips, cpu, path, checkpoint_seconds=0)
    first.requested = killed  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        first.go()
    second = Run(TINY, clips, cpu, path)
    found = second.go()
    assert [step.iteration for step in second.steps] == [4, 5]
    assert same(found.arrays(), expected.arrays())


def test_the_checkpoint_of_another_training_is_refused(make_clips, cpu, tmp_path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        Run(TINY, make_clips(8), cpu, path, stop_after=1).go()
    other = Run(TINY, make_clips(8), cpu, path, identity="another")
    with pytest.raises(TrainingError, match="another recipe, seed or set of clips"):
        other.go()
    assert other.steps == []


def test_a_loss_that_is_no_number_stops_the_training_with_advice(make_clips, cpu, tmp_path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    run = Run(TINY.model_copy(update={"learning_rate": 1e30}), make_clips(8), cpu, path)
    with pytest.raises(
        TrainingError, match=r"became (nan|inf) in epoch \d.*baseline.learning_rate"
    ):
        run.go()
    assert not path.exists()
