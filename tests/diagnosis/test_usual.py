"""How unusual a value is: in widths, and by the yardstick of the healthy clips themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.diagnosis.usual import Usual, Yardstick, lesser

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_each_is_judged_by_the_rest_as_if_it_had_not_been_there(n: int) -> None:
    values = np.round(RNG.standard_normal((n, 5)), 1)  # with ties
    among = Usual(values, 0.5).among_themselves()
    for clip in range(n):
        rest = Usual(np.delete(values, clip, axis=0), 0.5)
        np.testing.assert_allclose(among[clip], rest.deviations(values[clip]))


def test_a_single_clip_has_no_rest_to_be_judged_by() -> None:
    assert not Usual(np.ones((1, 3)), 0.5).among_themselves().any()


def test_nothing_is_narrower_than_the_floor() -> None:
    usual = Usual(np.zeros((9, 1)), 0.5)
    assert usual.deviations(np.array([2.0])) == 4
    assert usual.deviations(np.array([-1.0])) == -2


def test_each_side_has_its_own_width() -> None:
    usual = Usual(np.array([[0.0], [0.0], [0.0], [10.0], [10.0]]), 0.5)
    assert usual.deviations(np.array([10.0])) == 1
    assert usual.deviations(np.array([-10.0])) == -20


def test_a_healthy_clip_hardly_ever_reaches_1() -> None:
    healthy = RNG.standard_normal((48, 30))
    usual = Usual(healthy, 0.1)
    yardstick = Yardstick.of(usual.among_themselves())
    largest = [
        np.abs(yardstick(usual.deviations(RNG.standard_normal(30)))).max() for _ in range(300)
    ]
    assert np.mean(np.array(largest) > 1) < 0.2


def test_the_fewer_clips_the_longer_the_yardstick() -> None:
    lengths = [Yardstick.of(np.zeros((n, 3))).above for n in (1, 2, 8, 64)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 4 * lengths[-1]


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_the_lesser_of_two_is_on_the_side_of_both(one: float, other: float) -> None:
    (found,) = lesser(np.array([one]), np.array([other])).tolist()
    assert abs(found) <= min(abs(one), abs(other))
    assert found * one >= 0
    assert found * other >= 0
