"""Compute the interval of the difference of two AUCs measured on the same clips.

E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
correlated receiver operating characteristic curves: a nonparametric approach", Biometrics 44(3),
1988, pp. 837-845. Computed in O(N log N), as X. Sun and W. Xu showed to be possible ("Fast
implementation of DeLong's algorithm", IEEE Signal Processing Letters 21(11), 2014, pp. 1389-1393):
they count a clip's pairs by mid-ranks, here two searches in sorted scores count them.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rattle.errors import DataError
from rattle.scoring.score import Values

# Below this many clips of a class the spread over that class is not defined.
CLIPS_NEEDED = 2


def delong(
    normal: Values, anomaly: Values, *, tied: float = 0.0, confidence: float = 0.95
) -> tuple[float, float]:
    """Compute the paired confidence interval of AUC(new) - AUC(old); within [-1, 1].

    ``normal`` ``[2, N-]`` and ``anomaly`` ``[2, N+]`` hold two detectors' scores of the same
    clips, the old one's first. With h the worth of a pair (1 in order, ``tied`` for equal scores,
    0 otherwise), each clip has for each detector its component: the mean of h over its pairs.

        V+(j) = 1/N-  sum_i h(x_j+, x_i-),   V-(i) = 1/N+  sum_j h(x_j+, x_i-)
        SE^2  = var(V+new - V+old) / N+  +  var(V-new - V-old) / N-

    ``var`` is the sample variance; the interval is the difference -+ z SE with z of the normal
    distribution. DeLong et al. let a tie count one half. Their argument holds for any h, so the
    default is that of equation 6, 0: the interval then is of the difference of two
    ``metrics.auc``. Without ties the two are the same.

    It covers the choice of test clips, not of training run. It is an approximation for large
    samples: with a handful of clips, or AUCs near 1, it is too narrow. Where no clip's component
    differs from another's (both perfect; the same order of clips) it has no width.

    Raises ``DataError`` where a class has fewer than two clips or a score is not a number.
    """
    _check(normal, anomaly)
    old, new = (_components(n, a, tied) for n, a in zip(normal, anomaly, strict=True))
    of_normals, of_anomalies = new[0] - old[0], new[1] - old[1]
    difference = float(of_anomalies.mean())
    variance = sum(part.var(ddof=1) / part.size for part in (of_normals, of_anomalies))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    return max(difference - reach, -1.0), min(difference + reach, 1.0)


def _components(
    normal: Values, anomaly: Values, tied: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute V- and V+ of one detector: ``[N-]`` and ``[N+]``."""
    below, level = _below_and_level(normal, anomaly)
    not_above, level_too = _below_and_level(anomaly, normal)
    above = anomaly.size - not_above - level_too
    return (above + tied * level_too) / anomaly.size, (below + tied * level) / normal.size


def _below_and_level(others: Values, scores: Values) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count how many of ``others`` are below each of ``scores``, and how many equal it."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, scores, side="left")
    return below, np.searchsorted(ranked, scores, side="right") - below


def _check(normal: Values, anomaly: Values) -> None:
    for name, scores in (("normal", normal), ("anomalous", anomaly)):
        if scores.ndim != 2 or len(scores) != 2:
            raise ValueError(f"scores of {name} clips have shape {scores.shape}, expected [2, N]")
        if scores.shape[1] < CLIPS_NEEDED:
            raise DataError(
                f"the interval of an AUC difference needs at least {CLIPS_NEEDED} {name} clips, "
                f"not {scores.shape[1]}"
            )
        if np.isnan(scores).any():
            raise DataError(f"a score of a {name} clip is not a number; score the clips again")
