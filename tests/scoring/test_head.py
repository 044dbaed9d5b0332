"""The head: w z + b and ||z - c||^2, whoever computed z."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle import Recipe
from rattle.scoring.head import Head

SMALL = Recipe.load("small")
W, B = np.array([1.0, -2.0, 0.5], np.float32), np.array([0.25], np.float32)
C = np.array([[0.0, 1.0, 2.0]], np.float32)
Z = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]], np.float32)


def recipe(loss: str, **more: Any) -> Recipe:
    return SMALL.with_values(loss={"name": loss, **more})


def test_a_logit_is_w_z_plus_b_and_a_distance_is_to_the_centroid() -> None:
    head = Head(W, B, C, "sum")
    assert head.logits(Z).tolist() == [1 - 2 + 1 + 0.25, 0.25]
    assert head.distances(Z).tolist() == [1, 5]
    assert Head(W, B, C, "mean").distances(Z).tolist() == pytest.approx([1 / 3, 5 / 3])
    parts = head.parts(np.array([0.0, 1.0]), Z)
    assert parts.logits.dtype == parts.distances.dtype == np.float64
    assert parts.start_s.tolist() == [0, 1]


def test_a_part_that_the_loss_does_not_have_is_none() -> None:
    assert Head(None, None, C, "mean").logits(Z) is None
    assert Head(W, B, None, "mean").distances(Z) is None


@given(st.floats(-1e3, 1e3), st.integers(1, 400))
def test_a_distance_is_exact_where_all_dimensions_differ_alike(by: float, dimensions: int) -> None:
    step = np.float32(by)
    z = np.full((1, dimensions), step, np.float32)
    (found,) = Head(None, None, np.zeros((1, dimensions), np.float32), "mean").distances(z)
    assert found == pytest.approx(float(step) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        ("bce", ["weight", "bias"]),
        ("dsad", ["centres"]),
        ("ddcsad", ["centres"]),
        ("bce+ddcsad", ["weight", "bias", "centres"]),
    ],
)
def test_it_is_restored_from_what_a_bundle_keeps(loss: str, names: list[str]) -> None:
    every = {"weight": W, "bias": B, "centres": C}
    head = Head.restored({name: every[name] for name in names}, recipe(loss, distance="sum"))
    assert list(head.arrays()) == names
    assert all(np.array_equal(head.arrays()[name], every[name]) for name in names)
    assert (head.dimensions, head.distance) == (3, "sum")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"weight": W, "bias": B}, "holds bias, weight, by its recipe bias, centres, weight"),
        ({}, "holds nothing, by its recipe"),
        ({"weight": W, "bias": B, "centres": C, "more": C}, "holds bias, centres, more, weight"),
        ({"weight": W[None], "bias": B, "centres": C}, r"weight has shape \(1, 3\)"),
        ({"weight": W, "bias": W, "centres": C}, r"bias has shape \(3,\)"),
        ({"weight": W, "bias": B, "centres": C[:, :0]}, r"centres has shape \(1, 0\)"),
        ({"weight": W, "bias": B, "centres": C[:, :2]}, "unlike lengths: .*'centres': 2"),
        ({"weight": W.astype(float), "bias": B, "centres": C}, "other than finite float32"),
        ({"weight": W * np.float32("nan"), "bias": B, "centres": C}, "other than finite float32"),
    ],
)
def test_what_does_not_fit_is_refused(arrays: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Head.restored(arrays, recipe("bce+ddcsad"))


def test_each_piece_of_an_embedding_is_measured_from_the_centre_nearest_to_it() -> None:
    centres = np.array([[0, 0, 9, 9], [5, 5, 1, 1]], np.float32)
    z = np.array([[1, 1, 3, 3]], np.float32)
    # 1 and 1 from the first in one piece, 4 and 4 from the second in the other.
    assert Head(None, None, centres, "sum", pieces=2).distances(z) == pytest.approx([10])
    assert Head(None, None, centres, "mean", pieces=2).distances(z) == pytest.approx([2.5])
    assert Head(None, None, centres, "sum").distances(z) == pytest.approx([40])


def test_each_branch_of_a_fleets_encoder_is_a_piece_where_the_nearest_counts() -> None:
    fleet = Recipe.load("fleet")
    assert fleet.distance_pieces == 2
    assert fleet.with_values(scoring={"distance": "centroid"}).distance_pieces == 1
    assert SMALL.distance_pieces == 1
    with pytest.raises(ValueError, match="have no 2 equal pieces"):
        Head.restored({"weight": W, "bias": B, "centres": C}, fleet)


def test_of_many_centres_the_nearest_counts() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((7, 5)).astype(np.float32)
    z = rng.standard_normal((9, 5)).astype(np.float32)
    for how, divided in (("sum", 1), ("mean", 5)):
        head = Head(weight=None, bias=None, centres=centres, distance=how)
        every = ((z[:, None].astype(np.float64) - centres) ** 2).sum(axis=2)
        np.testing.assert_allclose(head.distances(z), every.min(axis=1) / divided)
    assert head.distances(centres).tolist() == [0.0] * 7
