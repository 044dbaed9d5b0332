"""Training learns, keeps its schedule, and goes on after a stop as if there had been none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from rattle.errors import Interrupted, TrainingError
from rattle.learning import centroids, checkpoint
from rattle.learning import train as module
from rattle.learning.batches import BatchSource
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import Network, build_network
from rattle.learning.train import Step, build_optimiser, descend, train
from rattle.recipe import Recipe

LOSSES = ("bce", "dsad", "ddcsad", "bce+dsad", "bce+ddcsad")
CPU = Placement(torch.device("cpu"), torch.float32)
CENTROIDS = CentroidPair(torch.zeros(1, 8), torch.ones(1, 8))


@dataclass
class Run:
    """One process's share of a training."""

    recipe: Recipe
    source: BatchSource
    checkpoint: Path | None = None
    identity: str = "the same"
    stop_after: int | None = None
    network_seed: int = 0
    fixed: CentroidPair | None = None
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        torch.manual_seed(self.network_seed)
        self.network: Network = build_network(self.recipe)
        CPU.network(self.network)

    def requested(self) -> bool:
        return self.stop_after is not None and len(self.steps) >= self.stop_after

    def go(self) -> CentroidPair | None:
        return train(
            self.network,
            self.source,
            self.recipe,
            CPU,
            Interruption(self.checkpoint, self.identity, self.requested),
            self.steps.append,
            fixed=self.fixed,
        )


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def entries(pair: CentroidPair | None) -> dict[str, Tensor]:
    found = {} if pair is None else {"normal": pair.normal, "outlier": pair.outlier}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_falls_on_an_easy_problem(tiny, make_source, loss: str) -> None:
    recipe = tiny.with_values(
        loss={"name": loss},
        training={"iterations": 40, "encoder_learning_rate": 3e-3, "head_learning_rate": 1e-2},
    )
    run = Run(recipe, make_source())
    run.go()
    losses = [step.loss for step in run.steps]
    assert [step.iteration for step in run.steps] == list(range(1, 41))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_a_trained_detector_tells_the_machines_apart(tiny, make_source) -> None:
    source = make_source()
    recipe = tiny.with_values(
        training={"iterations": 40, "encoder_learning_rate": 3e-3, "head_learning_rate": 1e-2}
    )
    run = Run(recipe, source)
    pair = run.go()
    assert pair is not None
    assert not run.network.training
    batch = source.batch(1000)
    with torch.no_grad():
        z, logits = run.network(*map(torch.from_numpy, batch.views))
    distances = (z - pair.normal).square().mean(dim=1).numpy()
    is_normal, of_window = batch.normal[:, 0] == 1, logits[:, 0].numpy()
    assert distances[is_normal].max() < distances[~is_normal].min()
    assert of_window[is_normal].min() > of_window[~is_normal].max()


@pytest.mark.parametrize(
    ("loss", "bce", "metric"),
    [("bce", True, False), ("ddcsad", False, True), ("bce+ddcsad", True, True)],
)
def test_a_step_tells_the_parts_its_loss_has(tiny, make_source, loss, bce, metric) -> None:
    recipe = tiny.with_values(loss={"name": loss, "metric_weight": 0.5})
    run = Run(recipe, make_source())
    run.go()
    step = run.steps[-1]
    assert ((step.bce is not None), (step.metric is not None)) == (bce, metric)
    weight = 0.5 if bce else 1
    assert step.loss == pytest.approx((step.bce or 0) + weight * (step.metric or 0), rel=1e-5)


RESUMED = [
    {"loss": {"name": "bce"}},
    {"loss": {"name": "dsad"}},
    {"loss": {"name": "bce+ddcsad"}},
    {"loss": {"name": "bce+ddcsad"}, "network": {"dropout": 0.3}},
    {
        "loss": {"name": "bce+ddcsad"},
        "network": {"dropout": 0.3},
        "centroids": {"mode": "training", "clips_per_class": 3},
    },
    {
        "loss": {"name": "bce+dsad"},
        "centroids": {"dsad_start": "autoencoder", "autoencoder_iterations": 2},
    },
]


# After 3: between two computations of the centroids. After 6: everything done but the last one.
@pytest.mark.parametrize(
    ("parts", "stop_after"),
    [*((parts, 3) for parts in RESUMED), (RESUMED[-2], 1), (RESUMED[-2], 6), (RESUMED[-1], 1)],
    ids=str,
)
def test_an_interrupted_training_goes_on_to_the_very_same_weights(
    tiny, make_source, tmp_path: Path, parts, stop_after: int
) -> None:
    recipe = tiny.with_values(training={"decay_every": 2}).with_values(**parts)
    source, path = make_source(), tmp_path / "checkpoint.safetensors"
    whole = Run(recipe, source)
    expected = whole.go()

    first = Run(recipe, source, path, stop_after=stop_after)
    with pytest.raises(Interrupted):
        first.go()
    assert len(first.steps) == stop_after
    # Another process: other weights to begin with, another state of the global generator.
    second = Run(recipe, source, path, network_seed=99)
    torch.manual_seed(12345)
    found = second.go()

    assert first.steps + second.steps == whole.steps
    assert same(second.network.state_dict(), whole.network.state_dict())
    assert same(entries(found), entries(expected))


def test_the_optimiser_takes_adams_steps_whatever_the_weights_layout(tiny, make_source) -> None:
    # A fused optimiser trusts weights, gradients and moments to lie alike in memory.
    source, networks = make_source(), []
    balance = CPU.put(source.balance)
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(build_network(tiny))
    fused, plain = networks
    CPU.network(fused)
    optimisers = [build_optimiser(fused, tiny), torch.optim.Adam(plain.parameters(), 1e-3)]
    for group in optimisers[0].param_groups:
        group["lr"] = 1e-3
    for iteration in range(3):
        for network, optimiser in zip(networks, optimisers, strict=True):
            batch = source.batch(iteration)
            descend(network, optimiser, batch, balance, CENTROIDS, tiny, CPU)
    weights = plain.state_dict()
    for name, value in fused.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-4, atol=1e-5)


def test_a_killed_training_goes_on_from_its_last_checkpoint(tiny, make_source, tmp_path) -> None:
    recipe = tiny.with_values(training={"checkpoint_seconds": 0})
    source, path = make_source(), tmp_path / "checkpoint.safetensors"
    whole = Run(recipe, source)
    whole.go()

    def killed() -> bool:
        # Asked after the step and before its checkpoint: iteration 4 is lost.
        if len(first.steps) == 4:
            raise MemoryError
        return False

    first = Run(recipe, source, path)
    first.requested = killed  # type: ignore[method-assign]
    with pytest.raises(MemoryError):
        first.go()
    second = Run(recipe, source, path, network_seed=99)
    second.go()
    assert [step.iteration for step in second.steps] == [4, 5, 6]
    assert same(second.network.state_dict(), whole.network.state_dict())


def test_checkpoints_are_as_far_apart_as_the_recipe_says(
    tiny, make_source, tmp_path, monkeypatch
) -> None:
    now_s = iter(range(0, 1000, 4))
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: next(now_s))
    saved = []
    monkeypatch.setattr(checkpoint, "save", lambda *given, **_: saved.append(given[3].iteration))
    # The clock goes 4 s further each time it is read: once an iteration, once more at each save.
    recipe = tiny.with_values(training={"checkpoint_seconds": 8, "iterations": 8})
    Run(recipe, make_source(), tmp_path / "checkpoint.safetensors").go()
    assert saved == [2, 4, 6, 8]


def test_without_a_checkpoint_an_interruption_just_stops(tiny, make_source) -> None:
    run = Run(tiny, make_source(), stop_after=2)
    with pytest.raises(Interrupted):
        run.go()
    assert len(run.steps) == 2


def test_the_checkpoint_of_another_training_is_refused(tiny, make_source, tmp_path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        Run(tiny, make_source(), path, stop_after=1).go()
    stored = path.read_bytes()
    other = Run(tiny, make_source(), path, identity="another")
    with pytest.raises(TrainingError, match="another recipe, seed or set of clips"):
        other.go()
    assert other.steps == []
    assert path.read_bytes() == stored


def test_a_truncated_checkpoint_is_refused(tiny, make_source, tmp_path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        Run(tiny, make_source(), path, stop_after=1).go()
    whole = path.read_bytes()
    for length in (0, 5, 500, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(
            TrainingError, match=r"cannot be read .*remove it to train from the start"
        ):
            Run(tiny, make_source(), path).go()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_gives_the_same_model_and_another_seed_another(tiny, make_source, seed) -> None:
    one, again = (Run(tiny, make_source(seed=seed)) for _ in range(2))
    one.go()
    torch.manual_seed(77)
    again.go()
    assert same(one.network.state_dict(), again.network.state_dict())
    other = Run(tiny, make_source(seed=seed + 1))
    other.go()
    assert not same(one.network.state_dict(), other.network.state_dict())


def test_encoder_and_head_have_learning_rates_of_their_own(tiny, make_source) -> None:
    recipe = tiny.with_values(
        loss={"name": "bce"},
        training={
            "iterations": 1,
            "encoder_learning_rate": 1e-4,
            "head_learning_rate": 1e-2,
        },
    )
    run = Run(recipe, make_source())
    before = {name: value.clone() for name, value in run.network.named_parameters()}
    run.go()
    # Adam's first step moves every weight that has a gradient by the learning rate, up or down.
    moved = {name: (value - before[name]).abs() for name, value in run.network.named_parameters()}
    encoder = torch.cat([m.flatten() for name, m in moved.items() if name.startswith("encoder.")])
    assert encoder.max().item() == pytest.approx(1e-4, rel=1e-2)
    torch.testing.assert_close(moved["head.weight"], torch.full((1, 8), 1e-2), rtol=1e-2, atol=0)


def test_both_learning_rates_decay_with_the_iterations(tiny, make_source, monkeypatch) -> None:
    seen: list[list[float]] = []

    class Watched(torch.optim.AdamW):
        def step(self, closure=None):
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    recipe = tiny.with_values(
        training={
            "encoder_learning_rate": 1e-4,
            "head_learning_rate": 1e-3,
            "decay_every": 2,
            "decay_factor": 0.5,
        }
    )
    Run(recipe, make_source()).go()
    factors = [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert seen == [pytest.approx([1e-4 * f, 1e-3 * f]) for f in factors]


def test_the_two_groups_hold_every_weight_once(tiny) -> None:
    network = build_network(tiny)
    groups = build_optimiser(network, tiny).param_groups
    held = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in network.parameters())
    assert {id(p) for p in groups[1]["params"]} == {id(p) for p in network.head.parameters()}


@pytest.fixture
def centroids_seen(monkeypatch) -> list[CentroidPair]:
    """The centroids that each iteration's loss was computed with."""
    seen: list[CentroidPair] = []
    plain = module.combined

    def watched(z, logits, pair, *rest):
        seen.append(pair)
        return plain(z, logits, pair, *rest)

    monkeypatch.setattr(module, "combined", watched)
    return seen


def test_dsads_random_centroid_is_fixed_throughout(tiny, make_source, centroids_seen) -> None:
    source = make_source(seed=4)
    final = Run(tiny.with_values(loss={"name": "dsad"}), source).go()
    fixed = centroids.random_centroids(1, 8, seed=4)
    assert len(centroids_seen) == tiny.training.iterations
    for pair in (*centroids_seen, final):
        assert torch.equal(pair.normal, fixed)
        assert pair.outlier is None


def test_dsads_centroid_from_an_autoencoder_is_fixed_and_away_from_zero(
    tiny, make_source, centroids_seen
) -> None:
    recipe = tiny.with_values(
        loss={"name": "dsad"},
        centroids={"dsad_start": "autoencoder", "autoencoder_iterations": 3},
    )
    final = Run(recipe, make_source()).go()
    for pair in centroids_seen:
        assert torch.equal(pair.normal, final.normal)
        assert pair.outlier is None
    assert (final.normal.abs() >= 0.1 - 1e-6).all()
    assert not torch.equal(final.normal, centroids.random_centroids(1, 8, seed=0))


def test_a_centroid_that_was_fixed_before_stays(tiny, make_source, centroids_seen) -> None:
    """Whatever seed or pre-training would have given: an adapted DSAD keeps its centre."""
    fixed = CentroidPair(torch.linspace(-1, 1, 8)[None], None)
    for start in ("random", "autoencoder"):
        recipe = tiny.with_values(
            loss={"name": "bce+dsad"},
            centroids={"dsad_start": start, "autoencoder_iterations": 10**6},
        )
        final = Run(recipe, make_source(), fixed=fixed).go()
        assert torch.equal(final.normal, fixed.normal)
    assert len(centroids_seen) == 2 * tiny.training.iterations
    assert all(torch.equal(pair.normal, fixed.normal) for pair in centroids_seen)


def test_a_fixed_centroid_outlasts_an_interruption(tiny, make_source, tmp_path) -> None:
    recipe, path = tiny.with_values(loss={"name": "dsad"}), tmp_path / "checkpoint.safetensors"
    fixed = CentroidPair(torch.linspace(-1, 1, 8)[None], None)
    whole = Run(recipe, make_source(), fixed=fixed)
    whole.go()
    with pytest.raises(Interrupted):
        Run(recipe, make_source(), path, stop_after=3, fixed=fixed).go()
    resumed = Run(recipe, make_source(), path, fixed=fixed)
    final = resumed.go()
    assert torch.equal(final.normal, fixed.normal)
    assert same(resumed.network.state_dict(), whole.network.state_dict())


def test_moving_centroids_are_computed_from_the_start_whatever_was_fixed(
    tiny, make_source, centroids_seen
) -> None:
    Run(tiny, make_source(), fixed=CentroidPair(torch.full((1, 8), 1e6), None)).go()
    free = Run(tiny, make_source())
    fresh = centroids.compute(free.network, free.source, tiny.centroids, CPU, turn=0)
    assert same(entries(centroids_seen[0]), entries(fresh))


@pytest.mark.parametrize(
    ("epoch_iterations", "turns"),
    # 9 normals at 4 a batch: a pass is 3 iterations.
    [(0, [0, 3, 6]), (2, [0, 2, 4, 6]), (100, [0, 6])],
)
def test_ddcsads_centroids_are_computed_each_epoch_and_at_the_end(
    tiny, make_source, monkeypatch, centroids_seen, epoch_iterations, turns
) -> None:
    computed = []
    plain = centroids.compute

    def watched(*given, turn):
        computed.append(turn)
        return plain(*given, turn=turn)

    monkeypatch.setattr(centroids, "compute", watched)
    recipe = tiny.with_values(centroids={"epoch_iterations": epoch_iterations})
    final = Run(recipe, make_source()).go()
    assert computed == turns
    assert len({id(pair) for pair in centroids_seen}) == len(turns) - 1
    assert id(final) not in {id(pair) for pair in centroids_seen}


def test_the_first_centroids_are_those_of_the_random_network(
    tiny, make_source, centroids_seen
) -> None:
    source = make_source()
    run = Run(tiny, source)
    fresh = centroids.compute(run.network, source, tiny.centroids, CPU, turn=0)
    run.go()
    assert torch.equal(centroids_seen[0].normal, fresh.normal)
    assert torch.equal(centroids_seen[0].outlier, fresh.outlier)


def test_the_last_centroids_are_those_of_the_trained_network(tiny, make_source) -> None:
    source = make_source()
    run = Run(tiny, source)
    final = run.go()
    measured = centroids.compute(run.network, source, tiny.centroids, CPU, turn=6)
    assert same(entries(final), entries(measured))


def test_bce_alone_has_no_centroids(tiny, make_source) -> None:
    assert Run(tiny.with_values(loss={"name": "bce"}), make_source()).go() is None


def test_a_loss_that_is_no_number_stops_the_training_with_advice(
    tiny, make_source, tmp_path
) -> None:
    recipe = tiny.with_values(training={"encoder_learning_rate": 1e30, "head_learning_rate": 1e30})
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(TrainingError, match=r"became (nan|inf) at iteration \d.*learning\s+rates"):
        Run(recipe, make_source(), path).go()
    assert not path.exists()
