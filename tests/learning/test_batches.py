"""Batches: what they hold is a matter of seed and iteration, fair to normals and to machines."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.features.store import Pack
from rattle.learning.batches import BatchSource, Clips, crops

WINDOW = 6


def marked(lengths: list[int], first: int) -> Clips:
    """Clips whose frames know their clip's number and their own."""
    frames = [
        np.stack([np.full(n, first + i), np.arange(n)], axis=1) for i, n in enumerate(lengths)
    ]
    pack = Pack(np.concatenate(frames).astype(np.float32), np.cumsum([0, *lengths]))
    return Clips(pack, np.arange(len(lengths)))


def source(
    normals: int = 10,
    others: tuple[int, ...] = (1, 5, 50),
    *,
    per_batch: tuple[int, int] = (4, 12),
    anomalies: int = 0,
    anomalies_per_batch: int = 0,
    seed: int = 0,
    length: int = 9,
) -> BatchSource:
    """Normals are clips 0, 1 ...; machine m of the others has clips 1000 (m + 1) ...

    Anomalies are clips -1, -2 ...
    """
    return BatchSource(
        normals=marked([length] * normals, 0),
        outliers=[marked([length] * n, 1000 * (m + 1)) for m, n in enumerate(others)],
        normals_per_batch=per_batch[0],
        outliers_per_batch=per_batch[1],
        window_frames=WINDOW,
        bands=2,
        seed=seed,
        anomalies=marked([length] * anomalies, -anomalies) if anomalies else (),
        anomalies_per_batch=anomalies_per_batch,
    )


def windows_of(one: BatchSource, iteration: int) -> np.ndarray:
    """What of a batch an encoder of log-mels alone sees."""
    (windows,) = one.batch(iteration).views
    return windows


def drawn(windows: np.ndarray) -> list[int]:
    return [int(window[0, 0]) for window in windows]


def test_a_batch_is_the_same_whatever_was_drawn_before() -> None:
    one, other = source(), source()
    for iteration in (7, 3, 0):
        other.batch(iteration)
    np.testing.assert_array_equal(windows_of(one, 3), windows_of(other, 3))


def test_batches_change_with_the_iteration_and_with_the_seed() -> None:
    first = windows_of(source(), 0)
    assert not np.array_equal(first, windows_of(source(), 1))
    assert not np.array_equal(first, windows_of(source(seed=1), 0))


def test_normals_come_first_and_are_the_target_machines() -> None:
    batch = source().batch(0)
    (windows,) = batch.views
    assert windows.shape == (16, WINDOW, 2)
    assert windows.dtype == batch.normal.dtype == batch.target.dtype == np.float32
    assert batch.normal.tolist() == [[1]] * 4 + [[0]] * 12
    # No anomaly is at hand: the target's clips are its normals.
    assert batch.target.tolist() == batch.normal.tolist()
    assert max(drawn(windows[:4])) < 1000
    assert min(drawn(windows[4:])) >= 1000


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 5))
def test_each_normal_is_drawn_once_a_pass(normals: int, per_batch: int, seed: int) -> None:
    one = source(normals, (2,), per_batch=(per_batch, 1), seed=seed)
    iterations = -(-3 * normals // per_batch)
    order = [n for i in range(iterations) for n in drawn(windows_of(one, i)[:per_batch])]
    for turn in range(3):
        assert sorted(order[turn * normals : (turn + 1) * normals]) == list(range(normals))


def test_each_pass_has_an_order_of_its_own() -> None:
    one = source(30, per_batch=(30, 2))
    orders = {tuple(drawn(windows_of(one, i)[:30])) for i in range(4)}
    assert len(orders) == 4


def test_an_epoch_is_a_pass_over_the_normals_rounded_up() -> None:
    assert [source(normals).epoch_iterations for normals in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]


def test_every_machine_gives_as_many_outliers_whatever_it_has() -> None:
    for iteration in range(5):
        machines = Counter(n // 1000 for n in drawn(windows_of(source(), iteration)[4:]))
        assert machines == {1: 4, 2: 4, 3: 4}


@given(st.integers(1, 9), st.integers(1, 20), st.integers(0, 3))
def test_an_uneven_share_differs_by_one_clip_at_most(machines: int, count: int, seed: int) -> None:
    one = source(4, (2,) * machines, per_batch=(1, count), seed=seed)
    shares = Counter(n // 1000 for n in drawn(windows_of(one, 0)[1:]))
    least = count // machines
    assert set(shares.values()) <= {least, least + 1}
    assert sum(shares.values()) == count


def test_over_many_batches_the_rest_of_an_uneven_share_is_even_too() -> None:
    one = source(4, (2,) * 5, per_batch=(1, 2))
    machines = Counter(
        n // 1000 for iteration in range(500) for n in drawn(windows_of(one, iteration)[1:])
    )
    # 200 of 1,000 each, at a standard deviation of sqrt(500 * 0.4 * 0.6) = 11.
    assert min(machines.values()) > 200 - 4 * 11
    assert max(machines.values()) < 200 + 4 * 11


def test_the_papers_adaptation_has_32_normals_31_outliers_and_an_anomaly() -> None:
    one = source(100, (30, 30, 30), per_batch=(32, 31), anomalies=5, anomalies_per_batch=1, seed=3)
    for iteration in range(10):
        windows = windows_of(one, iteration)
        kinds = Counter("anomaly" if n < 0 else n // 1000 for n in drawn(windows))
        assert kinds[0] == 32
        assert kinds["anomaly"] == 1
        assert sum(kinds[machine] for machine in (1, 2, 3)) == 31
        assert len(windows) == 64


def test_an_anomaly_is_the_target_machines_and_not_normal() -> None:
    batch = source(anomalies=3, anomalies_per_batch=2).batch(0)
    for number, normal, target in zip(
        drawn(batch.views[0]), batch.normal, batch.target, strict=True
    ):
        assert normal.tolist() == [0 <= number < 1000]
        assert target.tolist() == [number < 1000]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 3))
def test_each_anomaly_is_drawn_once_a_pass(anomalies: int, a_batch: int, seed: int) -> None:
    one = source(
        4, (2,), per_batch=(2, 3), anomalies=anomalies, anomalies_per_batch=a_batch, seed=seed
    )
    iterations = -(-3 * anomalies // a_batch)
    order = [n for i in range(iterations) for n in drawn(windows_of(one, i)[5:])]
    for turn in range(3):
        assert sorted(order[turn * anomalies : (turn + 1) * anomalies]) == list(
            range(-anomalies, 0)
        )


def test_a_single_anomaly_is_in_every_batch_at_changing_places() -> None:
    one = source(anomalies=1, anomalies_per_batch=1)
    windows = [windows_of(one, i)[-1] for i in range(30)]
    assert {int(window[0, 0]) for window in windows} == {-1}
    assert {int(window[0, 1]) for window in windows} == {0, 1, 2, 3}


def test_anomalies_change_nothing_in_what_else_is_drawn() -> None:
    plain, with_anomalies = source(), source(anomalies=4, anomalies_per_batch=2)
    for iteration in range(4):
        one, other = (windows_of(of, iteration) for of in (plain, with_anomalies))
        np.testing.assert_array_equal(one, other[:16])


def test_windows_lie_inside_their_clips_and_reach_both_ends() -> None:
    one = source(length=9)
    windows = np.concatenate([windows_of(one, i) for i in range(20)])
    starts = windows[:, 0, 1]
    np.testing.assert_array_equal(windows[:, :, 1] - starts[:, None], [range(WINDOW)] * len(starts))
    assert (windows[:, :, 0] == windows[:, :1, 0]).all()
    assert set(starts.tolist()) == {0, 1, 2, 3}


def test_the_centre_window_is_in_the_centre() -> None:
    assert crops([marked([10], 0)[0]], WINDOW, None)[0, :, 1].tolist() == [2, 3, 4, 5, 6, 7]
    assert crops([marked([11], 0)[0]], WINDOW, None)[0, 0, 1] == 2


@pytest.mark.parametrize("length", [1, 4, 6])
def test_a_clip_shorter_than_a_window_is_repeated(length: int) -> None:
    windows = windows_of(source(length=length), 0)
    assert windows[:, :, 1].tolist() == [[n % length for n in range(WINDOW)]] * 16


def test_only_the_chosen_clips_of_a_pack_are_there() -> None:
    every = marked([9] * 6, 0)
    some = Clips(every.pack, np.array([4, 1]))
    assert len(some) == 2
    assert [some[0][0, 0], some[1][0, 0]] == [4, 1]
