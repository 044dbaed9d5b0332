"""Compute what the classical baselines hear of a sound: statistics over time, and MFCCs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.errors import RecipeError

Values = NDArray[np.float64]

# Frames on either side that a delta is fitted over; 2 is what speech front ends take.
DELTA_REACH = 2


def over_time(values: NDArray[np.floating]) -> Values:
    """Compute mean and deviation over time of each column, ``[T, n] -> [2 n]``."""
    exact = np.asarray(values, dtype=np.float64)
    return np.concatenate([exact.mean(axis=0), exact.std(axis=0)])


def mfcc(log_mel: NDArray[np.float32], coefficients: int) -> Values:
    """Compute each frame's first MFCCs, mean level first, ``[T, bands] -> [T, coefficients]``.

    The orthonormal DCT-II of the log-mel over its bands. Raises ``RecipeError`` where there are
    fewer bands than coefficients.
    """
    from scipy.fft import dct  # slow to import, and few detectors need it

    bands = log_mel.shape[1]
    if coefficients > bands:
        raise RecipeError(
            f"baseline.coefficients is {coefficients}, but a frame has {bands} mel bands: lower it "
            "to at most that, or raise features.mel_bands"
        )
    spectrum: Values = dct(np.asarray(log_mel, dtype=np.float64), norm="ortho", axis=1)
    return np.ascontiguousarray(spectrum[:, :coefficients])


def deltas(values: Values) -> Values:
    """Compute the slope at each frame of a line fitted to those around it, ``[T, n] -> [T, n]``.

    The first and the last frame stand for those before and after them.
    """
    reach = DELTA_REACH
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    weights = np.arange(-reach, reach + 1)
    slopes = [weight * padded[at : at + len(values)] for at, weight in enumerate(weights)]
    fitted: Values = np.sum(slopes, axis=0) / np.square(weights).sum()
    return fitted


def mfcc_statistics(log_mel: NDArray[np.float32], coefficients: int) -> Values:
    """Compute mean and deviation over time of MFCCs, then of their deltas, ``[4 coefficients]``."""
    static = mfcc(log_mel, coefficients)
    return np.concatenate([over_time(static), over_time(deltas(static))])
