"""Fit Mahalanobis distances: how far from the mean normal clip, by how those vary together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.baselines.standard import Standard
from rattle.baselines.statistics import Values, over_time
from rattle.baselines.stored import checked
from rattle.learning.batches import ClipFeatures
from rattle.learning.model import Arrays


@dataclass(frozen=True)
class Ellipsoid:
    """The inverse covariance ``precision [2 bands, 2 bands]`` of standardised statistics.

    They are those of ``nearest``, so that the two differ by their distance alone.
    """

    standard: Standard
    precision: Values

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Compute the squared Mahalanobis distance."""
        x = self.standard(over_time(log_mel))
        return float(x @ self.precision @ x)

    def arrays(self) -> Arrays:
        """Give ``mean``, ``deviation`` and ``precision``."""
        return {**self.standard.arrays(), "precision": self.precision}


def fit(normals: ClipFeatures) -> Ellipsoid:
    """Fit mean and covariance of the clips' statistics.

    There are fewer clips than numbers in a clip's statistics, as a rule, so the covariance is
    shrunk towards a multiple of the identity as far as Ledoit and Wolf (2004) find best.
    """
    from sklearn.covariance import LedoitWolf  # slow to import

    vectors = np.array([over_time(clip) for clip in normals])
    standard = Standard.fitted(vectors)
    shrunk = LedoitWolf(assume_centered=True).fit(standard(vectors))
    return Ellipsoid(standard, np.ascontiguousarray(shrunk.precision_))


def restore(arrays: Arrays, *, bands: int) -> Ellipsoid:
    """Rebuild the measure whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    size = 2 * bands
    shapes = {"mean": (size,), "deviation": (size,), "precision": (size, size)}
    values = checked(arrays, np.float64, shapes, positive=("deviation",))
    return Ellipsoid(Standard(values["mean"], values["deviation"]), values["precision"])
