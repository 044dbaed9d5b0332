"""Give what an encoder sees of windows of features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.spectrum import spectra

# Features of a clip [T, width]: float32, or float16 out of a store that keeps samples.
Rows = NDArray[Any]
# Log-mels [B, W, bands] and, of an encoder that sees it, the spectrum [B, bins].
Views = tuple[NDArray[np.float32], ...]


def views(windows: Rows, bands: int) -> Views:
    """Take windows of rows ``[B, W, width]`` apart: log-mels, and the spectrum of the samples."""
    log_mels = np.ascontiguousarray(windows[..., :bands], dtype=np.float32)
    if windows.shape[2] == bands:
        return (log_mels,)
    samples = windows[..., bands:].astype(np.float32).reshape(len(windows), -1)
    return log_mels, spectra(samples)
