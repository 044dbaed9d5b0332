"""Mix the windows of a batch in pairs, and what they are alike (mixup: Zhang et al., 2018).

A mixed window belongs to two classes at once, and each equation becomes the sum of its terms for
either class, weighed by how much of it is in the window (``losses``). So a head learns to be less
sure, step by step, from one machine's sound to another's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rattle.features.views import Views

# Of natural logarithm to decibels of power.
DECIBELS = 10 / math.log(10)
# The least share of a window, so that its logarithm is finite.
LEAST = 1e-6


def mixed(
    views: Views, labels: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Views, NDArray[np.float32]]:
    """Mix each window with another one of the batch, by a share drawn evenly from 0 to 1.

    ``labels`` are ``[B, H]``. Spectra add up as magnitudes and log-mels as power, as if the
    sounds were scaled by their share and knew nothing of each other's phase.
    """
    count = len(views[0])
    share = rng.random((count, 1), dtype=np.float32)
    partner = rng.permutation(count)
    log_mels, *spectra = views
    own, other = (
        np.float32(2 * DECIBELS) * np.log(np.maximum(of, np.float32(LEAST)))[..., None]
        for of in (share, 1 - share)
    )
    return (
        (
            _added(log_mels + own, log_mels[partner] + other),
            *(_between(spectrum, partner, share) for spectrum in spectra),
        ),
        _between(labels, partner, share),
    )


def _between(
    values: NDArray[np.float32], partner: NDArray[np.int64], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    return share * values + (1 - share) * values[partner]


def _added(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add decibels as power: the louder one, and what the softer one adds to it."""
    louder = np.maximum(one, other)
    apart = np.abs(one - other)
    apart *= np.float32(-1 / DECIBELS)
    np.exp(apart, out=apart)
    apart += 1
    louder += np.float32(DECIBELS) * np.log(apart, out=apart)
    return louder
