"""Batches of a fleet: every machine heard, each the normal class of its own head."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.features.store import Pack
from rattle.learning.batches import Clips
from rattle.learning.fleet import FleetSource

BANDS, HOP, WINDOW = 3, 4, 5


def machine(clips: int, number: int, width: int = BANDS + HOP) -> Clips:
    """Clips of seven frames that hold their machine's number, and some sound."""
    rng = np.random.default_rng(number)
    frames = rng.standard_normal((clips * 7, width)).astype(np.float16)
    frames[:, :BANDS] = number
    return Clips(Pack(frames, np.arange(0, clips * 7 + 1, 7)), np.arange(clips))


def fleet(
    counts: tuple[int, ...] = (9, 16, 25),
    *,
    mixup: bool = False,
    per_batch: int = 24,
    seed: int = 0,
    weights: tuple[float, ...] | None = None,
    namesakes: tuple[tuple[int, int], ...] = (),
) -> FleetSource:
    apart = np.zeros((len(counts), len(counts)), dtype=np.bool_)
    for one, other in namesakes:
        apart[one, other] = apart[other, one] = True
    return FleetSource(
        groups=[machine(count, number) for number, count in enumerate(counts)],
        weights=weights or (1.0,) * len(counts),
        windows_per_batch=per_batch,
        window_frames=WINDOW,
        bands=BANDS,
        mixup=mixup,
        seed=seed,
        namesakes=apart if namesakes else None,
    )


def test_a_window_is_normal_to_its_own_machines_head_alone() -> None:
    batch = fleet().batch(0)
    log_mels, spectra = batch.views
    assert log_mels.shape == (24, WINDOW, BANDS)
    assert spectra.shape == (24, WINDOW * HOP // 2)
    assert batch.normal.shape == (24, 3)
    assert batch.normal.argmax(axis=1).tolist() == log_mels[:, 0, 0].astype(int).tolist()
    assert batch.normal.sum(axis=1).tolist() == [1] * 24
    np.testing.assert_array_equal(batch.target, batch.normal)


@pytest.mark.parametrize("mixup", [False, True])
def test_namesakes_are_neither_normal_nor_outliers_to_each_other(mixup: bool) -> None:
    apart, together = fleet(mixup=mixup, namesakes=((0, 2),)), fleet(mixup=mixup)
    batch, other = apart.batch(0), together.batch(0)
    np.testing.assert_array_equal(batch.normal, other.normal)
    np.testing.assert_array_equal(batch.views[1], other.views[1])
    assert batch.counted is not None
    assert other.counted is None
    # What is the one's own is nothing to the other; the third one's is an outlier to both.
    np.testing.assert_allclose(batch.counted[:, 0], 1 - batch.normal[:, 2], atol=1e-6)
    np.testing.assert_allclose(batch.counted[:, 2], 1 - batch.normal[:, 0], atol=1e-6)
    np.testing.assert_allclose(batch.counted[:, 1], 1, atol=1e-6)
    assert apart.balance.tolist() == [1, 2, 1]


def test_the_outlier_class_holds_no_namesake() -> None:
    classes = fleet(namesakes=((0, 2),)).classes(sampled=False)
    np.testing.assert_allclose(classes.outlier[0], [0, 1, 0])
    np.testing.assert_allclose(classes.outlier[2], [0, 1, 0])
    np.testing.assert_allclose(classes.outlier[1], [9 / 34, 0, 25 / 34])


def test_a_batch_depends_on_seed_and_iteration_alone() -> None:
    one, other = fleet(mixup=True), fleet(mixup=True)
    other.batch(5)
    for view, again in zip(one.batch(3).views, other.batch(3).views, strict=True):
        np.testing.assert_array_equal(view, again)
    assert not np.array_equal(one.batch(3).views[1], one.batch(4).views[1])
    assert not np.array_equal(one.batch(3).views[1], fleet(mixup=True, seed=1).batch(3).views[1])


def test_a_machine_with_a_hundred_times_the_clips_is_drawn_ten_times_as_often() -> None:
    source = fleet((2, 200), per_batch=110)
    drawn = sum(source.batch(i).normal.sum(axis=0) for i in range(100))
    # 1,000 and 10,000 of 11,000, at a standard deviation of sqrt(11,000 / 11 * 10 / 11) = 30.
    assert drawn[0] == pytest.approx(1000, abs=4 * 30)


def test_weights_are_factors_of_how_often_a_machine_is_drawn() -> None:
    source = fleet((9, 9), weights=(1.0, 0.5))
    np.testing.assert_allclose(source.shares, [2 / 3, 1 / 3])


def test_a_heads_classes_weigh_alike() -> None:
    # A window is normal to one head and an outlier to all others.
    assert fleet().balance.tolist() == [2, 2, 2]
    assert fleet((3,) * 40).balance.tolist() == [39] * 40


def test_mixed_windows_are_labelled_as_they_are_mixed() -> None:
    batch = fleet(mixup=True).batch(0)
    np.testing.assert_allclose(batch.normal.sum(axis=1), 1, rtol=1e-6)
    assert ((batch.normal > 0).sum(axis=1) == 2).any()


def test_centroids_are_of_the_own_machine_and_of_all_others() -> None:
    sampled, whole = (fleet().classes(sampled=sampled) for sampled in (True, False))
    np.testing.assert_array_equal(sampled.normal, np.eye(3))
    # By the root of the clips, 3, 4 and 5, as batches draw; or by clips, 9, 16 and 25.
    np.testing.assert_allclose(sampled.outlier[0], [0, 4 / 9, 5 / 9], rtol=1e-6)
    np.testing.assert_allclose(whole.outlier[2], [9 / 25, 16 / 25, 0], rtol=1e-6)


def test_an_epoch_is_a_pass_over_all_machines_clips() -> None:
    assert fleet(per_batch=24).epoch_iterations == 3
