"""Fit a head's w and b to embeddings of an encoder that stays as it is.

Equation 1 on stored embeddings: a convex problem with one solution and no seed, solved in a
fraction of a second by Newton's method. The metric loss has nothing to train here: d is measured
between embeddings, which only the encoder can move. (A linear map of z trained by equation 4 was
tried in its place and told faults apart less well; ``docs/explanation/adaptation.md``.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.head import Head, Vector
from rattle.scoring.score import Values

Embeddings = NDArray[np.floating]

# Strength of the penalty on w, on embeddings of unit deviation; chosen on the synthetic factory.
PENALTY = 1.0
# What the outliers of a head count beside the anomalies, together as much as the normals.
OUTLIERS_SHARE = 0.5
# So many labelled clips take a head half of the way to what they alone would make of it.
HALF_WAY = 8
NEWTON_STEPS = 50
SMALLEST_STEP = 1e-4
CONVERGED = 1e-8
# b alone has no penalty; this keeps its equation solvable where every p is 0 or 1.
NEAR_ZERO = 1e-9


def fit_posterior(
    normals: Embeddings,
    outliers: Embeddings,
    anomalies: Embeddings | None = None,
    *,
    start: Head | None = None,
) -> tuple[Vector, Vector]:
    """Fit w ``[D]`` and b ``[1]`` of p = sigmoid(w z + b) to embeddings ``[n, D]``.

    Both classes weigh alike, and within the second one outliers and anomalies do. The penalty is
    on what w differs by from that of ``start``; without one, on w. There are fewer clips than
    numbers in w.
    """
    groups = [normals, outliers] + ([] if anomalies is None or not len(anomalies) else [anomalies])
    shares = [0.5, 0.5] if len(groups) == 2 else [0.5, 0.5 * OUTLIERS_SHARE, 0.5 * OUTLIERS_SHARE]
    z = np.concatenate(groups).astype(np.float64)
    weights = np.concatenate(
        [
            np.full(len(of), share * len(z) / len(of))
            for of, share in zip(groups, shares, strict=True)
        ]
    )
    mean, deviation = z.mean(axis=0), z.std(axis=0)
    deviation[deviation == 0] = 1.0
    before = None if start is None else start.logits(z)
    added, bias = _newton(
        (z - mean) / deviation,
        np.zeros(len(z)) if before is None else before,
        np.arange(len(z)) < len(normals),
        weights,
    )
    weight = added / deviation
    bias -= float(weight @ mean)
    if start is not None and start.weight is not None and start.bias is not None:
        weight, bias = weight + start.weight, bias + float(start.bias[0])
    return weight.astype(np.float32), np.array([bias], dtype=np.float32)


def part_of_the_way(labelled: int) -> float:
    """Say how far a head goes from what it was towards what ``labelled`` clips make of it.

    One fault of its kind says little of others: n / (n + ``HALF_WAY``). By measurement
    (``docs/explanation/adaptation.md``): going all the way loses with one or two clips.
    """
    return labelled / (labelled + HALF_WAY)


def between(start: Head, weight: Vector, bias: Vector, part: float) -> tuple[Vector, Vector]:
    """Take w and b at ``part`` of the way from those of ``start`` to those given."""
    if start.weight is None or start.bias is None:
        return weight, bias
    return (
        np.asarray(start.weight + np.float32(part) * (weight - start.weight), dtype=np.float32),
        np.asarray(start.bias + np.float32(part) * (bias - start.bias), dtype=np.float32),
    )


def _newton(
    z: Values, logits: Values, is_normal: NDArray[np.bool_], weights: Values
) -> tuple[Values, float]:
    """Minimise sum(weight * cross-entropy(logits + z a + b)) + PENALTY / 2 |a|^2 over a and b."""
    basis = None
    if len(z) < z.shape[1]:
        # a lies in the span of the embeddings: fewer unknowns.
        basis, _ = np.linalg.qr(z.T)
        z = z @ basis
    columns = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    penalty = np.full(columns.shape[1], PENALTY)
    penalty[-1] = NEAR_ZERO
    sign = np.where(is_normal, 1.0, -1.0)
    solution = np.zeros(columns.shape[1])

    def loss(at: Values) -> float:
        terms = weights * np.logaddexp(0.0, -sign * (logits + columns @ at))
        return float(terms.sum() + 0.5 * (penalty * at**2).sum())

    now = loss(solution)
    for _ in range(NEWTON_STEPS):
        p = np.exp(-np.logaddexp(0.0, -(logits + columns @ solution)))
        gradient = columns.T @ (weights * (p - is_normal)) + penalty * solution
        curvature = weights * p * (1 - p)
        hessian = (columns * curvature[:, None]).T @ columns + np.diag(penalty)
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while (then := loss(solution - length * step)) > now and length > SMALLEST_STEP:
            length /= 2
        if then > now:
            break
        solution, before, now = solution - length * step, now, then
        if before - now <= CONVERGED * max(before, 1.0):
            break
    added = solution[:-1] if basis is None else basis @ solution[:-1]
    return added, float(solution[-1])
