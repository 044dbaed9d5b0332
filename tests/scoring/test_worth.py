"""Which sounds a person is asked about first, and which are asked about together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.scoring.worth import MOST_ALIKE, Pick, Reviewed, alike_within, picks

NONE = Reviewed(np.empty((0, 2)), np.empty(0, np.bool_))


def reviewed(normals: list[list[float]], anomalies: list[list[float]]) -> Reviewed:
    of = np.array([False] * len(normals) + [True] * len(anomalies))
    return Reviewed(np.array([*normals, *anomalies], float).reshape(-1, 2), of)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([None, 0.0, 0.5, 3.0]))
def test_each_sound_is_asked_about_once_and_joins_only_what_is_near(
    seed: int, count: int, within: float | None
) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, 2))
    of = Reviewed(rng.normal(size=(4, 2)), rng.random(4) < 0.5)
    found = picks(z, of, within)
    asked = [place for each in found for place in (each.place, *each.alike)]
    assert sorted(asked) == list(range(count))
    for each in found:
        apart = [float(np.linalg.norm(z[other] - z[each.place])) for other in each.alike]
        assert apart == pytest.approx(sorted(apart))
        assert all(distance <= (within or 0.0) + 1e-6 for distance in apart)
        assert len(each.alike) <= MOST_ALIKE


def test_the_largest_group_comes_first_and_single_sounds_in_the_order_of_the_pool() -> None:
    z = np.array([[9.0, 0], [0, 0], [0, 9.0], [0.2, 0], [0, 0.1], [5.0, 5.0]])
    found = picks(z, NONE, 1.0)
    assert found[0] == Pick(1, (4, 3), "many")
    assert found[1:] == [Pick(place, (), "unlike") for place in (0, 2, 5)]


def test_what_is_like_a_reviewed_sound_comes_last_and_says_like_which() -> None:
    z = np.array([[0, 0], [0.1, 0], [4.0, 0], [2.0, 0], [9.0, 0]])
    found = picks(z, reviewed(normals=[[0, 0], [1.5, 0]], anomalies=[[4.0, 0.5], [2.5, 0]]), 0.6)
    assert found == [
        Pick(4, (), "unlike"),
        Pick(0, (1,), "normal"),
        Pick(2, (), "anomaly"),
        Pick(3, (), "between"),
    ]


def test_where_nobody_knows_what_is_alike_the_order_of_the_pool_stays() -> None:
    assert picks(np.zeros((3, 2)), NONE, None) == [Pick(place, (), "newest") for place in range(3)]


def test_a_group_is_no_larger_than_a_person_can_listen_to() -> None:
    found = picks(np.zeros((2 * MOST_ALIKE, 2)), NONE, 0.5)
    assert [len(each.alike) for each in found] == [MOST_ALIKE, MOST_ALIKE - 2]


def test_healthy_sounds_say_how_near_is_alike() -> None:
    # Clips in a row, a step of 1 apart, three windows each: the nearest other clip is a step away.
    centres = np.repeat(np.arange(10.0)[:, None], 3, axis=0)
    assert alike_within(centres) == pytest.approx(1.0)
    assert alike_within(3 * centres) == pytest.approx(3.0)


@pytest.mark.parametrize("centres", [None, np.zeros((1, 4)), np.zeros((6, 4))])
def test_of_too_few_healthy_sounds_it_is_not_known(centres: np.ndarray | None) -> None:
    assert alike_within(centres) is None
