"""Give what an encoder sees of windows of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from rattle.scoring.spectrum import folded, spectra

# Features of a clip [T, width]: float32, or float16 out of a store that keeps samples.
Rows = NDArray[Any]
# Log-mels [B, W, bands] and, of an encoder that sees it, the spectrum [B, bins].
Views = tuple[NDArray[np.float32], ...]


def views(windows: Rows, bands: int, length: int) -> Views:
    """Take windows of rows ``[B, W, width]`` apart: log-mels, and the spectrum of the samples.

    ``length`` is that of the encoder's window in frames, by which the spectrum has its bins.
    """
    # torch converts half precision faster than numpy, and scipy transforms faster.
    whole = torch.from_numpy(windows).float().numpy()
    log_mels = np.ascontiguousarray(whole[..., :bands])
    if windows.shape[2] == bands:
        return (log_mels,)
    samples = whole[..., bands:].reshape(len(windows), -1)
    hop = windows.shape[2] - bands
    return log_mels, spectra(folded(samples, length * hop), fft.rfft)
