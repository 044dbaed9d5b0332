"""Convert levels in dB and amplitudes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def amplitude(level_db: float) -> float:
    """Turn a level into an amplitude ratio: 20 dB is 10."""
    return float(10 ** (level_db / 20))


def rms(samples: NDArray[np.floating]) -> float:
    """Compute the root of the mean square over ``samples [frames]``."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
