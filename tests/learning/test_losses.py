"""The losses against equations 1 to 4, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rattle.learning.losses import (
    CentroidPair,
    Labels,
    bce,
    combined,
    ddcsad,
    dsad,
    squared_distance,
)
from rattle.recipe.parts import Loss


def labels(
    is_normal: list[bool], is_target: list[bool], dtype: torch.dtype = torch.float64
) -> Labels:
    """Labels of one head, as the paper has it: a window is normal or not, classes count alike."""
    normal, target = (torch.tensor(of, dtype=dtype)[:, None] for of in (is_normal, is_target))
    return Labels(normal, target, torch.ones(1, dtype=dtype))


# One outlier (N = 1), then a normal and an anomalous clip of the target machine (M = 2), D = 2.
Z = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
IS_NORMAL, IS_TARGET = [False, True, False], [False, True, True]
LABELS = labels(IS_NORMAL, IS_TARGET)
# As they are in training.
LABELS_32 = labels(IS_NORMAL, IS_TARGET, torch.float32)
C_P = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
C_N = torch.tensor([[3.0, 0.0]], dtype=torch.float64)
# Posteriors 0.2, 0.8 and 0.4 of the normal class.
LOGITS = torch.log(torch.tensor([[0.25], [4.0], [2 / 3]], dtype=torch.float64))

BOTH, ONE = CentroidPair(C_P, C_N), CentroidPair(C_P, None)
PARTS = {
    "bce": (LOGITS, None),
    "dsad": (None, ONE),
    "ddcsad": (None, BOTH),
    "bce+dsad": (LOGITS, ONE),
    "bce+ddcsad": (LOGITS, BOTH),
}


def paper(**values: object) -> Loss:
    """Sum over dimensions and, but for rounding, no epsilon: the equations as they stand."""
    return Loss(**{"distance": "sum", "epsilon": 1e-15, "target_weight": 2.0, **values})


def loss(name: str, settings: Loss, z: Tensor = Z) -> Tensor:
    logits, centroids = PARTS[name]
    return combined(z, logits, centroids, LABELS, settings).total


# Equation 1: -(ln(1 - 0.2) + ln 0.8 + ln(1 - 0.4)) / 3.
BCE = -(math.log(0.8) + math.log(0.8) + math.log(0.6)) / 3
# Squared distances to c_p: 25, 1, 4. Equation 2: (25^-1 + 2 (1 + 4^-1)) / 3.
DSAD = (1 / 25 + 2 * (1 + 1 / 4)) / 3
# To c_n: 16, 4, 13. Equation 3: (25^-1 + 16 + 2 (1 + 4^-1) + 2 (4^-1 + 13)) / 3.
DDCSAD = (1 / 25 + 16 + 2 * (1 + 1 / 4) + 2 * (1 / 4 + 13)) / 3


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("bce", BCE),
        ("dsad", DSAD),
        ("ddcsad", DDCSAD),
        ("bce+dsad", BCE + 0.5 * DSAD),
        ("bce+ddcsad", BCE + 0.5 * DDCSAD),
    ],
)
def test_a_loss_is_that_of_its_equation(name: str, by_hand: float) -> None:
    # Equation 4 with lambda = 0.5; lambda has no part in a loss that stands alone.
    assert loss(name, paper(name=name, metric_weight=0.5)).item() == pytest.approx(by_hand)


def test_the_parts_of_a_loss_are_told_apart() -> None:
    parts = combined(Z, LOGITS, BOTH, LABELS, paper(metric_weight=3.0))
    assert parts.bce is not None
    assert parts.metric is not None
    assert parts.bce.item() == pytest.approx(BCE)
    # The metric part is given before lambda weighs it.
    assert parts.metric.item() == pytest.approx(DDCSAD)
    assert parts.total.item() == pytest.approx(BCE + 3 * DDCSAD)
    assert combined(Z, LOGITS, None, LABELS, paper()).metric is None
    assert combined(Z, None, BOTH, LABELS, paper()).bce is None
    with pytest.raises(ValueError, match="logits or centroids"):
        combined(Z, None, None, LABELS, paper())


def test_the_mean_over_dimensions_halves_the_distances_of_two() -> None:
    # 12.5, 0.5, 2 to c_p and 8, 2, 6.5 to c_n.
    by_hand = (1 / 12.5 + 8 + 2 * (0.5 + 1 / 2) + 2 * (1 / 2 + 6.5)) / 3
    assert loss("ddcsad", paper(distance="mean")).item() == pytest.approx(by_hand)
    assert squared_distance(Z, C_P, "mean").tolist() == [[12.5], [0.5], [2.0]]
    assert squared_distance(Z, C_P, "sum").tolist() == [[25.0], [1.0], [4.0]]


def test_epsilon_is_added_to_a_distance_before_its_power_in_both_directions() -> None:
    by_hand = (1 / 26 + 17 + 2 * (2 + 1 / 5) + 2 * (1 / 5 + 14)) / 3
    assert loss("ddcsad", paper(epsilon=1.0)).item() == pytest.approx(by_hand)
    by_hand = (1 / 26 + 2 * (2 + 1 / 5)) / 3
    assert loss("dsad", paper(epsilon=1.0)).item() == pytest.approx(by_hand)


def test_eta_weighs_the_target_machines_clips_and_not_the_outliers() -> None:
    by_hand = (1 / 25 + 16 + 5 * (1 + 1 / 4) + 5 * (1 / 4 + 13)) / 3
    assert loss("ddcsad", paper(target_weight=5.0)).item() == pytest.approx(by_hand)
    assert loss("bce", paper(target_weight=5.0)).item() == pytest.approx(BCE)


def test_an_anomaly_counts_as_an_outlier_of_weight_eta() -> None:
    anomaly, outlier = (
        dsad(Z[2:], C_P, labels([False], [is_target]), paper()) for is_target in (True, False)
    )
    assert anomaly.item() == pytest.approx(2 * outlier.item())
    assert outlier.item() == pytest.approx(1 / 4)


@pytest.mark.parametrize("distance", ["sum", "mean"])
@pytest.mark.parametrize("name", PARTS)
def test_gradients_are_those_of_finite_differences(name: str, distance: str) -> None:
    logits, centroids = PARTS[name]
    settings = Loss(distance=distance, epsilon=0.1, metric_weight=0.5)

    def of(z: Tensor, logit: Tensor) -> Tensor:
        given = None if logits is None else logit
        # With z in it, so that BCE alone has a gradient of z to compare: 0.
        total = combined(z, given, centroids, LABELS, settings).total
        return total + 0 * (z.sum() + logit.sum())

    inputs = (Z.clone().requires_grad_(), LOGITS.clone().requires_grad_())
    assert torch.autograd.gradcheck(of, inputs)


@pytest.mark.parametrize("epsilon", [1.0, 1e-3])
def test_an_embedding_on_a_centroid_has_a_bounded_loss_and_no_gradient(epsilon: float) -> None:
    settings = paper(epsilon=epsilon, target_weight=1.0)
    z = C_P.clone().requires_grad_()
    far, near = labels([False], [False]), labels([True], [True])
    pushed = dsad(z, C_P, far, settings)
    pushed.backward()
    assert pushed.item() == pytest.approx(1 / epsilon)
    assert z.grad is not None
    assert z.grad.tolist() == [[0, 0]]
    pulled = dsad(z, C_P, near, settings)
    assert pulled.item() == pytest.approx(epsilon)
    (gradient,) = torch.autograd.grad(pulled, z)
    assert gradient.tolist() == [[0, 0]]


def test_centroids_that_coincide_leave_a_finite_loss_and_gradient() -> None:
    # As a fresh network's nearly do.
    z = torch.zeros(3, 2, requires_grad=True)
    pair = CentroidPair(torch.zeros(1, 2), torch.zeros(1, 2))
    settings = Loss(distance="mean", epsilon=1e-6)
    total = combined(z, None, pair, LABELS_32, settings).total
    total.backward()
    # Each of the weights 1, 2, 2 times eps + 1 / eps.
    assert total.item() == pytest.approx(5 * (1e-6 + 1e6) / 3, rel=1e-5)
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


def test_descent_moves_each_class_to_its_own_centroid_and_from_the_other() -> None:
    # All three half way between the centroids: the normal goes left, outlier and anomaly right.
    pair = CentroidPair(torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    z = torch.zeros(3, 2, requires_grad=True)
    combined(z, None, pair, LABELS_32, paper()).total.backward()
    assert z.grad is not None
    # d/dx of (1 + x)^2 and of (1 - x)^-2 at 0 is 2 each, over three clips, the target's twice.
    assert (-z.grad).flatten().tolist() == pytest.approx([4 / 3, 0, -8 / 3, 0, 8 / 3, 0])


def test_bce_is_finite_where_the_posterior_is_0_or_1() -> None:
    logits = torch.tensor([[1000.0], [-1000.0]], requires_grad=True)
    # Both wrong: -ln of a probability of e^-1000.
    wrong = bce(logits, labels([False, True], [False, True], torch.float32))
    assert wrong.item() == pytest.approx(1000)
    wrong.backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0.5], [-0.5]]
    assert bce(logits, labels([True, False], [True, False], torch.float32)).item() == 0


def test_ddcsad_without_a_second_centroid_is_refused() -> None:
    with pytest.raises(ValueError, match="outlier class"):
        ddcsad(Z, ONE, LABELS, paper())


# Many heads, mixed windows


def heads(*columns: Labels) -> Labels:
    """Labels of several heads, one beside another."""
    return Labels(
        *(
            torch.cat([getattr(of, part) for of in columns], dim=-1)
            for part in ("normal", "target")
        ),
        torch.cat([of.balance for of in columns]),
    )


@pytest.mark.parametrize("name", PARTS)
def test_the_loss_of_many_heads_is_the_mean_of_each_heads(name: str) -> None:
    """Each head has labels, a logit and centroids of its own; the embedding is all heads'."""
    settings = Loss(distance="mean", epsilon=0.5, metric_weight=0.5)
    others = labels([True, False, False], [True, False, True])
    logits, pair = PARTS[name]
    second = None if logits is None else -0.3 * logits.flip(0)
    moved = None
    if pair is not None:
        outlier = None if pair.outlier is None else pair.outlier - 2
        moved = CentroidPair(pair.normal + 1, outlier)
    alone = [
        combined(Z, logits, pair, LABELS, settings).total,
        combined(Z, second, moved, others, settings).total,
    ]
    both = combined(
        Z,
        None if logits is None or second is None else torch.cat([logits, second], dim=1),
        None
        if pair is None or moved is None
        else CentroidPair(
            torch.cat([pair.normal, moved.normal]),
            None
            if pair.outlier is None or moved.outlier is None
            else torch.cat([pair.outlier, moved.outlier]),
        ),
        heads(LABELS, others),
        settings,
    ).total
    assert both.item() == pytest.approx((alone[0].item() + alone[1].item()) / 2)


@pytest.mark.parametrize("name", PARTS)
def test_a_mixed_window_has_the_terms_of_either_class_by_its_share(name: str) -> None:
    settings = Loss(distance="mean", epsilon=0.5, target_weight=1.0)
    logits, pair = PARTS[name]
    one = Z[:1], None if logits is None else logits[:1]

    def of(share: float) -> float:
        mixed = Labels(*(torch.tensor([[share]], dtype=torch.float64),) * 2, torch.ones(1))
        return combined(*one, pair, mixed, settings).total.item()

    assert of(0.3) == pytest.approx(0.3 * of(1.0) + 0.7 * of(0.0))


@pytest.mark.parametrize("name", PARTS)
def test_balance_weighs_the_terms_of_the_normal_class(name: str) -> None:
    settings = Loss(distance="mean", epsilon=0.5, target_weight=1.0)
    logits, pair = PARTS[name]

    def of(is_normal: bool, balance: float) -> float:
        given = labels([is_normal], [is_normal])
        weighed = Labels(given.normal, given.target, torch.tensor([balance], dtype=torch.float64))
        row = None if logits is None else logits[:1]
        return combined(Z[:1], row, pair, weighed, settings).total.item()

    assert of(True, 5.0) == pytest.approx(5 * of(True, 1.0))
    assert of(False, 5.0) == pytest.approx(of(False, 1.0))


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("normal", [0.0, 0.3])
def test_what_is_not_counted_of_a_window_has_no_term(name: str, normal: float) -> None:
    settings = Loss(distance="mean", epsilon=0.5, target_weight=1.0)
    logits, pair = PARTS[name]
    row = None if logits is None else logits[:1]

    def of(normal: float, counted: float | None) -> float:
        share = torch.tensor([[normal]], dtype=torch.float64)
        whole = None if counted is None else torch.tensor([[counted]], dtype=torch.float64)
        given = Labels(share, share, torch.tensor([3.0], dtype=torch.float64), whole)
        return combined(Z[:1], row, pair, given, settings).total.item()

    assert of(normal, 1.0) == pytest.approx(of(normal, None))
    # A fifth of the window is of neither class: the terms of an outlier are fewer by so much.
    assert of(normal, 0.8) == pytest.approx(of(normal, None) - 0.2 * of(0.0, None))
    assert of(0.0, 0.0) == 0.0


def test_a_part_of_the_dimensions_has_centroids_of_its_own() -> None:
    part = BOTH.of(slice(1, 2))
    assert part.normal.tolist() == [[0.0]]
    assert part.outlier is not None
    assert part.outlier.tolist() == [[0.0]]
    assert ONE.of(slice(0, 1)).outlier is None
