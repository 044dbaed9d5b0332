"""Measure how well scores tell anomalies from normals: AUC, partial AUC, interval, confusion.

All take the scores of the two classes as arrays, ``[N-]`` and ``[N+]``; higher is more anomalous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rattle.errors import DataError

Scores = NDArray[np.floating]


def auc(normal: Scores, anomaly: Scores) -> float:
    """Compute the share of (normal, anomaly) pairs in which the anomaly scores higher: equation 6.

        AUC = 1 / (N- N+)  sum_i sum_j  H(A(x_j+) - A(x_i-)),   H(a) = 1 if a > 0 else 0

    H gives a tied pair 0. scikit-learn gives it one half, so its AUC is this one plus
    ``tied_pairs / (2 N- N+)``. Counted by ranks in O(N log N).

    Raises ``DataError`` where a class is empty or a score is not a number.
    """
    _check(normal, anomaly)
    below = np.searchsorted(np.sort(normal), anomaly, side="left")
    return int(below.sum()) / (normal.size * anomaly.size)


def tied_pairs(normal: Scores, anomaly: Scores) -> int:
    """Count the (normal, anomaly) pairs with equal scores, which ``auc`` counts as 0."""
    _check(normal, anomaly)
    ranked = np.sort(normal)
    not_above = np.searchsorted(ranked, anomaly, side="right")
    return int((not_above - np.searchsorted(ranked, anomaly, side="left")).sum())


def pauc(normal: Scores, anomaly: Scores, max_fpr: float = 0.1) -> float:
    """Compute the partial AUC below the false-alarm rate ``max_fpr``, as DCASE reports it.

    This is scikit-learn's ``roc_auc_score(..., max_fpr=max_fpr)``: the area is standardised after
    McClish (1989), so that chance is 0.5 and a perfect ranking 1, and ties count one half.

    Raises ``DataError`` where a class is empty or a score is not a number.
    """
    _check(normal, anomaly)
    is_anomaly = np.repeat([0, 1], [normal.size, anomaly.size])
    return float(roc_auc_score(is_anomaly, np.concatenate([normal, anomaly]), max_fpr=max_fpr))


def hanley_mcneil(
    auc: float, n_normal: int, n_anomaly: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Compute the confidence interval of an AUC, the paper's choice in Fig. 2; clipped to [0, 1].

    See ``standard_error`` for its formula and limits.
    """
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * standard_error(auc, n_normal, n_anomaly)
    return max(auc - reach, 0.0), min(auc + reach, 1.0)


def standard_error(auc: float, n_normal: int, n_anomaly: int) -> float:
    """Compute the standard error of an AUC after Hanley and McNeil.

        SE^2 = (A (1 - A) + (N+ - 1) (Q1 - A^2) + (N- - 1) (Q2 - A^2)) / (N- N+)
        Q1 = A / (2 - A),   Q2 = 2 A^2 / (1 + A)

    A is the AUC; its interval is A -+ z SE with z of the normal distribution. Hanley and McNeil,
    "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143(1), 1982, pp. 29-36.

    It covers the choice of test clips, not of training run. It is an approximation for large
    samples: with a handful of clips it is too narrow, and at an AUC of 0 or 1 it has no width.
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_anomaly - 1) * (q1 - auc**2) + (n_normal - 1) * (q2 - auc**2)
    # Rounding can take the spread of a perfect ranking below zero.
    return math.sqrt(max(spread, 0.0) / (n_normal * n_anomaly))


@dataclass(frozen=True)
class Confusion:
    """What a threshold makes of labelled clips; a rate over no clips is None."""

    n_normal: int
    n_anomaly: int
    false_alarms: int
    misses: int

    @property
    def false_alarm_rate(self) -> float | None:
        return self.false_alarms / self.n_normal if self.n_normal else None

    @property
    def miss_rate(self) -> float | None:
        return self.misses / self.n_anomaly if self.n_anomaly else None


def confusion(normal: Scores, anomaly: Scores, threshold: float) -> Confusion:
    """Count normals above the threshold (false alarms) and anomalies not above it (misses)."""
    return Confusion(
        n_normal=normal.size,
        n_anomaly=anomaly.size,
        false_alarms=int((normal > threshold).sum()),
        misses=int((anomaly <= threshold).sum()),
    )


def _check(normal: Scores, anomaly: Scores) -> None:
    for name, scores in (("normal", normal), ("anomalous", anomaly)):
        if not scores.size:
            raise DataError(f"no score of a {name} clip; AUC and pAUC need clips of both classes")
        if np.isnan(scores).any():
            raise DataError(f"a score of a {name} clip is not a number; score the clips again")
