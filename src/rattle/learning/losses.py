"""The losses: equations 1 to 4 of the paper, for one machine or many.

Symbols: p posterior of the normal class; z embedding; c, c_p, c_n centroids; y label, +1 normal
and -1 anomaly or outlier. The paper sums over N outlier clips and M clips of the target machine
(normal, and anomalous where there are any), weighs the latter by eta in equations 2 and 3, and
divides by N + M: the mean over the batch of weighted terms. Outliers always have y = -1.

Every equation is one of a head, and a fleet's loss is the mean over its heads H; the paper has one.
Two things are said by numbers where the paper has a label alone, the same for each equation:

    Y in [0, 1]   how much of a window is normal: its term is Y (the term of y = +1) and 1 - Y (that
                  of y = -1). Without mixup it is 0 or 1.
    balance       what the terms of y = +1 count, so that both classes weigh alike where a batch
                  holds few normals of a head. Of the paper's batches, half and half, it is 1.

What may be the head's own machine in another set is of neither class, and is not counted.

Numerics (the paper is silent): the squared distance is a mean or a sum over the D dimensions, and
``epsilon`` is added to it before its power, in both directions, as in Deep SAD. So the inverse
term is at most 1 / epsilon and has no gradient at z = c; ``docs/explanation/numerics.md`` tells
why the defaults are what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from rattle.recipe.parts import Loss


@dataclass(frozen=True)
class CentroidPair:
    """c_p of the normal class and c_n of the outlier class, ``[H, D]``; DSAD has no c_n."""

    normal: Tensor
    outlier: Tensor | None

    def of(self, part: slice) -> CentroidPair:
        """Take a part of the dimensions."""
        outlier = None if self.outlier is None else self.outlier[:, part]
        return CentroidPair(self.normal[:, part], outlier)


@dataclass(frozen=True)
class Labels:
    """What windows are to heads: Y and how much is the head's own machine ``[B, H]``, and the
    balance ``[H]``.

    ``counted [B, H]`` is how much of a window is of either class, of y = +1 or -1; None for all.
    """

    normal: Tensor
    target: Tensor
    balance: Tensor
    counted: Tensor | None = None


def squared_distance(z: Tensor, c: Tensor, how: str) -> Tensor:
    """||z - c||^2 of each embedding: ``[B, D], [H, D] -> [B, H]``; ``how``: "sum" or "mean"."""
    squares = (z[:, None] - c).square()
    return squares.sum(dim=2) if how == "sum" else squares.mean(dim=2)


def bce(logits: Tensor, labels: Labels) -> Tensor:
    """L_BCE (equation 1): cross-entropy of p = sigmoid(logit) with Y, meaned.

    Shape: ``[B, H] -> []``. Computed from logits, so that p = 0 or 1 stays finite.
    """
    normal, counted = labels.normal, labels.counted
    if counted is not None:
        # Its weight multiplies both terms, of which the normal one counts Y.
        normal = torch.where(counted > 0, normal / counted, 0.0).clamp(max=1.0)
    return binary_cross_entropy_with_logits(
        logits, normal, weight=counted, pos_weight=labels.balance
    )


def dsad(z: Tensor, c: Tensor, labels: Labels, settings: Loss) -> Tensor:
    """L_DSAD (equation 2): ||z - c||^(2y), weighted, meaned.

    Pulls normal embeddings to c and pushes the others away.

    Shape: ``[B, D], [H, D] -> []``.
    """
    near, far = _powers(z, c, settings)
    return _meaned(near, far, labels, settings)


def ddcsad(z: Tensor, centroids: CentroidPair, labels: Labels, settings: Loss) -> Tensor:
    """L_DDCSAD (equation 3): ||z - c_p||^(2y) + ||z - c_n||^(-2y), weighted, meaned.

    Pulls each class to its own centroid and pushes it from the other's.

    Shape: ``[B, D], [H, D] each -> []``.
    """
    if centroids.outlier is None:
        raise ValueError("DDCSAD needs the centroid of the outlier class")
    near_normal, far_normal = _powers(z, centroids.normal, settings)
    near_outlier, far_outlier = _powers(z, centroids.outlier, settings)
    return _meaned(near_normal + far_outlier, far_normal + near_outlier, labels, settings)


@dataclass(frozen=True)
class LossParts:
    """The loss of a batch and what it is made of; a part that is not used is None."""

    total: Tensor
    bce: Tensor | None
    metric: Tensor | None


def combined(
    z: Tensor,
    logits: Tensor | None,
    centroids: CentroidPair | None,
    labels: Labels,
    settings: Loss,
) -> LossParts:
    """The loss that ``settings.name`` names; ``bce+...`` is equation 4, L_BCE + lambda L_metric.

    Shape: ``z [B, D]``, ``logits [B, H]``.
    """
    posterior_part = None if logits is None else bce(logits, labels)
    metric_part = None
    if centroids is not None:
        metric_part = (
            dsad(z, centroids.normal, labels, settings)
            if centroids.outlier is None
            else ddcsad(z, centroids, labels, settings)
        )
    if posterior_part is None:
        if metric_part is None:
            raise ValueError("a loss needs logits or centroids")
        return LossParts(metric_part, None, metric_part)
    if metric_part is None:
        return LossParts(posterior_part, posterior_part, None)
    total = posterior_part + settings.metric_weight * metric_part
    return LossParts(total, posterior_part, metric_part)


def _powers(z: Tensor, c: Tensor, settings: Loss) -> tuple[Tensor, Tensor]:
    # (||z - c||^2 + eps)^(+1) where the class belongs near c, ^(-1) where it belongs far away.
    distance = squared_distance(z, c, settings.distance) + settings.epsilon
    return distance, distance.reciprocal()


def _meaned(of_normal: Tensor, of_outlier: Tensor, labels: Labels, settings: Loss) -> Tensor:
    """The mean over batch and heads of either class's terms ``[B, H]``, eta for the target."""
    weight = 1 + (settings.target_weight - 1) * labels.target
    whole = 1 if labels.counted is None else labels.counted
    terms = labels.balance * labels.normal * of_normal + (whole - labels.normal) * of_outlier
    return (weight * terms).mean()
