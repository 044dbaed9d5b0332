"""16-bit samples and the floats that they stand for: full scale is at +-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Steps of a 16-bit sample up to full scale; the largest sample is one step less.
FULL_SCALE = np.float32(32768)


def to_16_bit(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Round samples with full scale at +-1 to 16 bits, same shape; what is beyond is clipped.

    >>> to_16_bit(np.array([-1.5, -1.0, 0.25, 1.0])).tolist()
    [-32768, -32768, 8192, 32767]
    """
    steps = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return np.asarray(steps, dtype=np.int16)


def from_16_bit(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Turn 16-bit samples into floats with full scale at +-1, same shape; this is exact.

    >>> from_16_bit(np.array([-32768, 8192], np.int16)).tolist()
    [-1.0, 0.25]
    """
    floats = samples.astype(np.float32)
    floats /= FULL_SCALE
    return floats
