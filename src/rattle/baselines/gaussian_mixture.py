"""Fit a Gaussian mixture: how unlikely a sound's frames are among those of the normal clips."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.baselines.standard import Standard
from rattle.baselines.statistics import Values, mfcc
from rattle.baselines.stored import checked
from rattle.errors import DataError
from rattle.learning.batches import ClipFeatures
from rattle.learning.model import Arrays
from rattle.randomness import BASELINE, stream
from rattle.recipe.baselines import GaussianMixture

# Frames that a mixture is fitted to, drawn evenly over the clips: some 320 clips of 10 s. Eight
# Gaussians have 327 parameters, which more frames do not settle better.
MOST_FRAMES = 100_000


@dataclass(frozen=True)
class Mixture:
    """``weights [K]``, ``centres [K, n]`` and ``variances [K, n]`` of standardised MFCCs."""

    standard: Standard
    weights: Values
    centres: Values
    variances: Values

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Give minus the mean log-likelihood of the frames, in nats."""
        frames = self.standard(mfcc(log_mel, len(self.standard.mean)))
        each = np.stack([self._log_density(frames, k) for k in range(len(self.weights))])
        return float(-np.logaddexp.reduce(each, axis=0).mean())

    def _log_density(self, frames: Values, k: int) -> Values:
        """Compute log of weight times density of one Gaussian, ``[T, n] -> [T]``."""
        variance = self.variances[k]
        squared: Values = (np.square(frames - self.centres[k]) / variance).sum(axis=1)
        constant = float(np.log(2 * math.pi * variance).sum())
        return math.log(self.weights[k]) - 0.5 * (constant + squared)

    def arrays(self) -> Arrays:
        """Give ``mean``, ``deviation``, ``weights``, ``centres`` and ``variances``."""
        return {
            **self.standard.arrays(),
            "weights": self.weights,
            "centres": self.centres,
            "variances": self.variances,
        }


def fit(normals: ClipFeatures, settings: GaussianMixture, *, seed: int) -> Mixture:
    """Fit by expectation maximisation from a k-means start.

    Raises ``DataError`` where the frames are fewer than two a Gaussian.
    """
    # Slow to import.
    from sklearn import mixture
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    frames = _some_frames(normals, settings.coefficients, seed)
    if len(frames) < 2 * settings.components:
        raise DataError(
            f"the normal clips to train on have {len(frames)} frames in all, fewer than two for "
            f"each of the {settings.components} Gaussians of baseline.components: lower it, or "
            "record more"
        )
    standard = Standard.fitted(frames)
    model = mixture.GaussianMixture(
        settings.components,
        covariance_type="diag",
        max_iter=200,
        random_state=int(stream(seed, BASELINE).integers(2**32)),
    )
    # The threads of k-means add up their sums in the order in which they happen to finish.
    with threadpool_limits(1), warnings.catch_warnings():
        # Each iteration raises the likelihood, so the last one is good whether or not another
        # would still change it; with equal frames k-means finds fewer clusters, which is as well.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(standard(frames))
    return Mixture(standard, model.weights_, model.means_, model.covariances_)


def restore(arrays: Arrays, settings: GaussianMixture) -> Mixture:
    """Rebuild the measure whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    components, size = settings.components, settings.coefficients
    values = checked(
        arrays,
        np.float64,
        {
            "mean": (size,),
            "deviation": (size,),
            "weights": (components,),
            "centres": (components, size),
            "variances": (components, size),
        },
        positive=("deviation", "weights", "variances"),
    )
    standard = Standard(values.pop("mean"), values.pop("deviation"))
    return Mixture(standard, **values)


def _some_frames(normals: ClipFeatures, coefficients: int, seed: int) -> Values:
    """Draw at most ``MOST_FRAMES`` frames, alike of each clip: MFCCs ``[n, coefficients]``."""
    share = max(MOST_FRAMES // len(normals), 1)
    parts = []
    for index, clip in enumerate(normals):
        if len(clip) > share:
            # From 1 on: a stream that ends in 0 is the stream without the 0.
            rng = stream(seed, BASELINE, index + 1)
            clip = clip[np.sort(rng.permutation(len(clip))[:share])]
        parts.append(mfcc(clip, coefficients))
    return np.concatenate(parts)
