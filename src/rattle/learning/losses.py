"""The losses: equations 1 to 4 of the paper.

Symbols: p posterior of the normal class; z embedding; c, c_p, c_n centroids; y label, +1 normal
and -1 anomaly or outlier. The paper sums over N outlier clips and M clips of the target machine
(normal, and anomalous where there are any), weighs the latter by eta in equations 2 and 3, and
divides by N + M: the mean over the batch of weighted terms. Outliers always have y = -1.

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
    """c_p of the normal class and c_n of the outlier class, ``[D]`` each; DSAD has no c_n."""

    normal: Tensor
    outlier: Tensor | None


def squared_distance(z: Tensor, c: Tensor, how: str) -> Tensor:
    """||z - c||^2 of each embedding: ``[B, D], [D] -> [B]``; ``how`` is "sum" or "mean"."""
    squares = (z - c).square()
    return squares.sum(dim=1) if how == "sum" else squares.mean(dim=1)


def bce(logits: Tensor, is_normal: Tensor) -> Tensor:
    """L_BCE (equation 1): cross-entropy of p = sigmoid(logit) with u(y), meaned over the batch.

    Shape: ``[B], [B] bool -> []``. Computed from logits, so that p = 0 or 1 stays finite.
    """
    return binary_cross_entropy_with_logits(logits, is_normal.to(logits.dtype))


def dsad(z: Tensor, c: Tensor, is_normal: Tensor, weight: Tensor, settings: Loss) -> Tensor:
    """L_DSAD (equation 2): ||z - c||^(2y), weighted, meaned over the batch.

    Pulls normal embeddings to c and pushes the others away.

    Shape: ``[B, D], [D], [B] bool, [B] -> []``.
    """
    return (weight * _power(z, c, is_normal, settings)).mean()


def ddcsad(
    z: Tensor, centroids: CentroidPair, is_normal: Tensor, weight: Tensor, settings: Loss
) -> Tensor:
    """L_DDCSAD (equation 3): ||z - c_p||^(2y) + ||z - c_n||^(-2y), weighted, meaned.

    Pulls each class to its own centroid and pushes it from the other's.

    Shape: ``[B, D], [D] each, [B] bool, [B] -> []``.
    """
    if centroids.outlier is None:
        raise ValueError("DDCSAD needs the centroid of the outlier class")
    towards_normal = _power(z, centroids.normal, is_normal, settings)
    towards_outlier = _power(z, centroids.outlier, ~is_normal, settings)
    return (weight * (towards_normal + towards_outlier)).mean()


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
    is_normal: Tensor,
    is_target: Tensor,
    settings: Loss,
) -> LossParts:
    """The loss that ``settings.name`` names; ``bce+...`` is equation 4, L_BCE + lambda L_metric.

    Shape: ``z [B, D]``, ``logits [B]``, ``is_normal [B] bool``, ``is_target [B] bool`` (a clip of
    the target machine, which eta weighs).
    """
    posterior_part = None if logits is None else bce(logits, is_normal)
    metric_part = None
    if centroids is not None:
        weight = torch.where(is_target, settings.target_weight, 1.0)
        metric_part = (
            dsad(z, centroids.normal, is_normal, weight, settings)
            if centroids.outlier is None
            else ddcsad(z, centroids, is_normal, weight, settings)
        )
    if posterior_part is None:
        if metric_part is None:
            raise ValueError("a loss needs logits or centroids")
        return LossParts(metric_part, None, metric_part)
    if metric_part is None:
        return LossParts(posterior_part, posterior_part, None)
    total = posterior_part + settings.metric_weight * metric_part
    return LossParts(total, posterior_part, metric_part)


def _power(z: Tensor, c: Tensor, is_near: Tensor, settings: Loss) -> Tensor:
    # (||z - c||^2 + eps)^(+1) where the class belongs near c, ^(-1) where it belongs far away.
    distance = squared_distance(z, c, settings.distance) + settings.epsilon
    return torch.where(is_near, distance, distance.reciprocal())
