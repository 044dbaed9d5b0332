"""The anomaly score: equation 5 and the scale of its distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """d' = (d - low) / (high - low), not clipped, so that the order of distances stays.

    ``paper``: low and high are the smallest and largest distance of the evaluated set (section
    III). ``fixed``: the means over held-out normal clips and over outlier clips, stored with the
    detector, so that a score does not depend on what else is scored.
    """

    low: float
    high: float

    @classmethod
    def spanning(cls, distances: Values) -> Scale:
        """The paper's: minimum and maximum over the evaluated set."""
        return cls(float(distances.min()), float(distances.max()))

    @classmethod
    def between(cls, normal: Values, outlier: Values) -> Scale:
        """The fixed one: 0 is a typical normal clip, 1 a typical outlier."""
        return cls(float(normal.mean()), float(outlier.mean()))

    @property
    def width(self) -> float:
        # All distances alike carry no information; an inverted scale would reverse their order.
        return self.high - self.low if self.high > self.low else 1.0

    def __call__(self, distances: Values) -> Values:
        return (distances - self.low) / self.width

    def inverse(self, scaled: float) -> float:
        """Give the distance whose d' that is."""
        return self.low + scaled * self.width


def posterior_gap(logits: Values) -> Values:
    """1 - p for logits of p, exact where p rounds to 1.

    The gap of a confident detector is far below the smallest step of p near 1; computed as
    1 - sigmoid(x) all such clips would tie.
    """
    return np.exp(-np.logaddexp(0.0, logits))


def anomaly_score(gap: Values | None, scaled_distance: Values | None, alpha: float) -> Values:
    """s = alpha (1 - p) + (1 - alpha) d' (equation 5).

    A loss without BCE has no posterior and the score is d'; BCE alone has no centroid and the
    score is 1 - p (section II-A).
    """
    if gap is None:
        if scaled_distance is None:
            raise ValueError("a score needs a posterior or a distance")
        return scaled_distance
    if scaled_distance is None:
        return gap
    return alpha * gap + (1 - alpha) * scaled_distance
