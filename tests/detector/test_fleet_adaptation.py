"""A fleet's encoder learns on for one machine: in the fleet's task, its anomalies as one more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import rattle
from rattle import Detector, Machine, Manifest, Recipe
from rattle.bundle import read_bundle
from rattle.bundle.replay import Replay
from rattle.clips.labelled import labelled_clips
from rattle.detector import measure as module
from rattle.detector.adapt import AdaptJob
from rattle.detector.finish import finish, make
from rattle.detector.job import Watch
from rattle.detector.preparing import fleet_source_of, fleets_network
from rattle.errors import Interrupted
from rattle.learning import train as training
from rattle.learning.device import Placement
from rattle.learning.inference import embed
from rattle.learning.train import Step
from rattle.recipe.parts import Audio
from rattle.scoring.head_fit import part_of_the_way

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
NOTHING = Manifest.from_clips([])
CPU = Placement(torch.device("cpu"), torch.float32)

Fleet = dict[Machine, Detector]
Weights = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def anomalies(clips: Manifest) -> Manifest:
    paths = clips.of(FAN, split="test", label="anomaly").table["path"]
    return Manifest.from_clips(labelled_clips(map(Path, paths), FAN, "anomaly", Audio()))


@pytest.fixture(scope="module")
def healthy(clips: Manifest) -> Manifest:
    paths = clips.of(FAN, split="test", label="normal").table["path"]
    return Manifest.from_clips(labelled_clips(map(Path, paths), FAN, "normal", Audio()))


def job(detector: Detector, anomalies: Manifest, normals: Manifest = NOTHING) -> AdaptJob:
    return AdaptJob(detector, anomalies, normals, None, device="cpu")


@pytest.fixture(scope="module")
def adapted(fleet: Fleet, anomalies: Manifest) -> Detector:
    (made,) = make(job(fleet[FAN], anomalies))
    return made


# Batches


def replay(recipe: Recipe, counts: dict[str, int], normals: int, anomalies: int) -> Replay:
    """Clips of a machine and others, of silence."""
    rows = np.zeros((recipe.features.window_frames + 5, recipe.feature_width), np.float16)

    def clips(name: str, count: int) -> dict[str, np.ndarray]:
        return {f"{name} {number}": rows for number in range(count)}

    return Replay(
        normals=clips("normal", normals),
        held_out={},
        anomalies=clips("anomaly", anomalies),
        outliers={name: clips(name, count) for name, count in counts.items()},
    )


@pytest.mark.parametrize("anomalies", [0, 1, 7])
def test_batches_hold_as_many_of_each_as_an_encoder_of_its_own_would_see(
    tiny_fleet: Recipe, anomalies: int
) -> None:
    """Eight normals, and eight others of which two are anomalies where there are any."""
    recipe = tiny_fleet.with_values(
        training={"mixup": False}, adaptation={"anomalies_per_batch": 2}
    )
    known = replay(recipe, {"a": 3, "b": 50, "c": 9}, normals=25, anomalies=anomalies)
    source = fleet_source_of(known, recipe, seed=3)
    expected = [8, 2, 2, 2, 2] if anomalies else [8, 8 / 3, 8 / 3, 8 / 3]
    assert list(map(len, source.groups)) == [25, 3, 50, 9, *([anomalies] if anomalies else [])]
    np.testing.assert_allclose(16 * source.shares, expected)
    batches = 60
    drawn = sum(source.batch(number).normal.sum(axis=0) for number in range(batches))
    assert drawn.sum() == 16 * batches
    for count, share in zip(drawn, source.shares, strict=True):
        deviation = (16 * batches * share * (1 - share)) ** 0.5
        assert count == pytest.approx(16 * batches * share, abs=4 * deviation)


def test_windows_are_mixed_where_the_fleets_training_mixed_them(tiny_fleet: Recipe) -> None:
    for mixup in (False, True):
        recipe = tiny_fleet.with_values(training={"mixup": mixup})
        source = fleet_source_of(replay(recipe, {"a": 4}, 9, 2), recipe, seed=0)
        assert source.mixup is mixup


# The network to begin with


def test_it_begins_with_the_encoder_and_the_own_head_bit_for_bit(
    fleet: Fleet, anomalies: Manifest
) -> None:
    parent = fleet[FAN]
    source = job(parent, anomalies).material(Watch()).source
    network, centre = fleets_network(parent, source.groups, CPU)
    assert centre is None
    learnt = parent.model.learnt()
    for name, values in network.encoder.state_dict().items():
        np.testing.assert_array_equal(values.numpy(), learnt["encoder"][name])
    assert network.head is not None
    assert network.head.weight.shape == (len(source.groups), parent.model.head.dimensions)
    np.testing.assert_array_equal(network.head.weight[0].detach(), learnt["head"]["weight"])
    np.testing.assert_array_equal(network.head.bias[:1].detach(), learnt["head"]["bias"])


def test_the_other_heads_tell_their_clips_from_all_others(
    fleet: Fleet, anomalies: Manifest
) -> None:
    parent = fleet[FAN]
    source = job(parent, anomalies).material(Watch()).source
    assert len(source.groups) == 3  # the fan, the valve, the anomalies
    network, _ = fleets_network(parent, source.groups, CPU)
    assert network.head is not None
    means = np.empty((len(source.groups), len(source.groups)))
    with torch.no_grad():
        for group, of in enumerate(source.groups):
            z = np.concatenate([embed(network.encoder, clip, parent.recipe, CPU).z for clip in of])
            means[group] = network.head(torch.from_numpy(z)).mean(axis=0)
    for head in range(1, len(source.groups)):
        others = np.delete(means[:, head], head)
        assert means[head, head] > others.max()


def test_it_begins_in_the_same_way_each_time(fleet: Fleet, anomalies: Manifest) -> None:
    groups = job(fleet[FAN], anomalies).material(Watch()).source.groups
    torch.manual_seed(1)
    one, _ = fleets_network(fleet[FAN], groups, CPU)
    torch.manual_seed(2)
    other, _ = fleets_network(fleet[FAN], groups, CPU)
    for name, values in one.state_dict().items():
        assert torch.equal(values, other.state_dict()[name]), name


# Part of the way


def weights(
    fleet: Fleet, anomalies: Manifest, part: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[Weights, Weights]:
    """The network's weights before an adaptation and after one that goes ``part`` of the way."""
    kept: list[Weights] = []

    def watched(network, *rest, **options):  # type: ignore[no-untyped-def]
        def copy() -> Weights:
            return {name: value.clone().numpy() for name, value in network.state_dict().items()}

        before = copy()
        pair = training.train(network, *rest, **options)
        kept.extend((before, copy()))
        return pair

    monkeypatch.setattr(module, "train", watched)
    watch = Watch()
    adaptation = job(fleet[FAN], anomalies)
    material = dataclasses.replace(adaptation.material(watch), part=part)
    tuple(finish(adaptation, material, watch=watch, checkpoint=None))
    before, after = kept
    return before, after


def test_the_weights_go_part_of_the_way(
    fleet: Fleet, anomalies: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, none = weights(fleet, anomalies, 0.0, monkeypatch)
    _, half = weights(fleet, anomalies, 0.5, monkeypatch)
    _, all_ = weights(fleet, anomalies, 1.0, monkeypatch)
    moved = 0
    for name, values in before.items():
        if values.dtype != np.float32:
            continue
        np.testing.assert_array_equal(none[name], values)
        np.testing.assert_allclose(half[name], (values + all_[name]) / 2, rtol=1e-5, atol=1e-7)
        moved += not np.array_equal(values, all_[name])
    assert moved > 4


@pytest.mark.parametrize(("count", "rejected"), [(1, 0), (3, 0), (3, 2), (0, 1)])
def test_how_far_they_go_follows_from_how_many_clips_people_labelled(
    fleet: Fleet, anomalies: Manifest, healthy: Manifest, count: int, rejected: int
) -> None:
    given = (Manifest(anomalies.table[:count]), Manifest(healthy.table[:rejected]))
    material = job(fleet[FAN], *given).material(Watch())
    assert material.part == part_of_the_way(count + rejected)


def test_an_encoder_of_its_own_goes_all_of_the_way(detector: Detector, anomalies: Manifest) -> None:
    assert job(detector, anomalies).material(Watch()).part == 1.0


# What becomes of it


def test_it_keeps_where_it_came_from_and_has_one_head_in_its_bundle(
    fleet: Fleet, adapted: Detector, anomalies: Manifest, tmp_path: Path
) -> None:
    parent, origin = fleet[FAN], adapted.info.provenance
    adapted.save(tmp_path / "fan.rattle")
    bundle = read_bundle(tmp_path / "fan.rattle")
    assert bundle.learnt["head"]["weight"].shape == parent.model.learnt()["head"]["weight"].shape
    assert bundle.learnt["head"]["bias"].shape == (1,)
    before = parent.info.provenance
    assert origin.parent == parent.bundle().identity
    assert (origin.trained, origin.held_out) == (before.trained, before.held_out)
    assert origin.anomalies == tuple(anomalies.hashes())
    assert (origin.outliers, origin.pretrained) == (before.outliers, before.pretrained)
    assert origin.fleet == ()
    assert adapted.info.recipe == parent.recipe
    loaded = Detector.load(tmp_path / "fan.rattle", device="cpu")
    assert loaded.verify() < 1e-6


def test_the_reference_grows_by_what_is_called_normal(
    fleet: Fleet, healthy: Manifest, anomalies: Manifest, adapted: Detector
) -> None:
    before = fleet[FAN].reference
    assert before is not None
    assert adapted.reference is not None
    assert adapted.reference.clips == before.clips == 12
    (made,) = make(job(fleet[FAN], anomalies, healthy))
    assert made.reference is not None
    assert made.reference.clips == 12 + 3
    np.testing.assert_array_equal(made.reference.spectrum_db[3:], before.spectrum_db)


@pytest.mark.parametrize("loss", ["dsad", "bce+dsad"])
@pytest.mark.parametrize("start", ["random", "autoencoder"])
def test_an_encoder_with_a_fixed_centre_learns_on_towards_its_own(
    clips: Manifest, tiny_fleet: Recipe, loss: str, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not towards another machine's, and not after it became an autoencoder once more."""
    recipe = tiny_fleet.for_method(loss)  # type: ignore[arg-type]
    recipe = recipe.with_values(centroids={"dsad_start": start, "autoencoder_iterations": 2})
    again: list[str] = []
    pretrain = training.pretrain

    def watched(*given):  # type: ignore[no-untyped-def]
        again.append("pretrained")
        pretrain(*given)

    parent = rattle.fit_fleet(clips, recipe=recipe, device="cpu")[VALVE]
    paths = clips.of(VALVE, split="test", label="anomaly").table["path"]
    monkeypatch.setattr(training, "pretrain", watched)
    (made,) = make(
        job(
            parent, Manifest.from_clips(labelled_clips(map(Path, paths), VALVE, "anomaly", Audio()))
        )
    )
    assert again == []
    np.testing.assert_array_equal(
        made.model.learnt()["head"]["centres"], parent.model.learnt()["head"]["centres"]
    )


def test_a_training_clip_called_normal_makes_another_adaptation(
    fleet: Fleet, adapted: Detector, anomalies: Manifest, clips: Manifest
) -> None:
    """The detector without it goes on raising that false alarm."""
    trained = fleet[FAN].info.provenance.trained[0]
    (path,) = [Path(clip.path) for clip in clips.of(FAN) if clip.content_hash == trained]
    rejected = Manifest.from_clips(labelled_clips([path], FAN, "normal", Audio()))
    assert job(fleet[FAN], anomalies).gives(adapted.info)
    assert not job(fleet[FAN], anomalies, rejected).gives(adapted.info)


def bytes_of(detector: Detector, path: Path) -> bytes:
    """Its bundle, as if it had been made at no particular time."""
    origin = detector.info.provenance.model_copy(update={"created": ""})
    info = detector.info.model_copy(update={"provenance": origin})
    dataclasses.replace(detector, info=info).save(path)
    return path.read_bytes()


def test_an_interrupted_adaptation_ends_with_the_same_bytes(
    fleet: Fleet, anomalies: Manifest, adapted: Detector, tmp_path: Path
) -> None:
    steps: list[Step] = []
    watch = Watch(on_step=steps.append, stop_requested=lambda: len(steps) == 2)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        make(job(fleet[FAN], anomalies), watch=watch, checkpoint=checkpoint)
    assert checkpoint.exists()
    later: list[Step] = []
    (resumed,) = make(
        job(fleet[FAN], anomalies), watch=Watch(on_step=later.append), checkpoint=checkpoint
    )
    assert [step.iteration for step in later] == [3, 4]
    assert bytes_of(resumed, tmp_path / "a") == bytes_of(adapted, tmp_path / "b")
