"""Fit a one-class SVM: how far a clip is outside of what encloses most normal clips.

Schoelkopf et al. (2001) with a Gaussian kernel, where it is the paper's reference 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.baselines.standard import Standard
from rattle.baselines.statistics import Values, mfcc_statistics
from rattle.baselines.stored import checked
from rattle.learning.batches import ClipFeatures
from rattle.learning.model import Arrays
from rattle.recipe.baselines import OneClassSvm


@dataclass(frozen=True)
class Enclosure:
    """Support vectors ``[n, D]`` with their ``weights [n]``, and the ``offset [1]`` and kernel
    width ``gamma [1]``; D is four numbers an MFCC."""

    standard: Standard
    support: Values
    weights: Values
    offset: Values
    gamma: Values

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Give minus the decision function: ``offset - sum_i weight_i exp(-gamma ||x - x_i||^2)``.

        Below 0 inside. A clip far from every support vector is ``offset`` away, however far.
        """
        x = self.standard(mfcc_statistics(log_mel, len(self.standard.mean) // 4))
        squared = np.square(self.support - x).sum(axis=1)
        return float(self.offset[0] - self.weights @ np.exp(-self.gamma[0] * squared))

    def arrays(self) -> Arrays:
        """Give ``mean``, ``deviation``, ``support``, ``weights``, ``offset`` and ``gamma``."""
        return {
            **self.standard.arrays(),
            "support": self.support,
            "weights": self.weights,
            "offset": self.offset,
            "gamma": self.gamma,
        }


def fit(normals: ClipFeatures, settings: OneClassSvm) -> Enclosure:
    """Fit to the clips' standardised MFCC statistics.

    gamma is 1 / (D variance), scikit-learn's "scale"; 1 where all clips are alike.
    """
    from sklearn.svm import OneClassSVM  # slow to import

    vectors = np.array([mfcc_statistics(clip, settings.coefficients) for clip in normals])
    standard = Standard.fitted(vectors)
    inputs = standard(vectors)
    spread = inputs.shape[1] * inputs.var()
    gamma = 1 / spread if spread > 0 else 1.0
    svm = OneClassSVM(kernel="rbf", gamma=gamma, nu=settings.nu).fit(inputs)
    return Enclosure(
        standard,
        np.ascontiguousarray(svm.support_vectors_),
        np.ascontiguousarray(svm.dual_coef_[0]),
        np.array(svm.offset_).reshape(1),
        np.array([gamma]),
    )


def restore(arrays: Arrays, settings: OneClassSvm) -> Enclosure:
    """Rebuild the measure whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    size = 4 * settings.coefficients
    arrays = checked(
        arrays,
        np.float64,
        {
            "mean": (size,),
            "deviation": (size,),
            "support": ("n", size),
            "weights": ("n",),
            "offset": (1,),
            "gamma": (1,),
        },
        positive=("deviation", "gamma"),
    )
    standard = Standard(arrays.pop("mean"), arrays.pop("deviation"))
    return Enclosure(standard, **arrays)
