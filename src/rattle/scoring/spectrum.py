"""Compute the spectrum of a window: what an encoder sees of a machine's lines.

A rotating machine's sound is made of lines. The transform of a window of 131,072 samples tells
lines apart that lie 0.12 Hz from each other, where a mel band is some 20 Hz wide or more. The same
definition serves training, files and streams; it lies outside the encoder's graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def spectra(windows: Samples, transform: Callable[..., NDArray[Any]] = np.fft.rfft) -> Samples:
    """Compute the magnitudes of windows of samples ``[n, N] -> [n, N // 2]``, at RMS 1 each.

    They are those of the real transform without its first bin, so that neither the loudness of a
    window nor a constant in it counts. No window function, no logarithm: by measurement
    (``docs/explanation/hearing.md``). A silent window's are zeros. ``transform`` is the real one,
    for whoever has a faster library than numpy at hand.
    """
    # A constant's transform is rounding in all bins but the first: taken out before, it is 0.
    magnitudes: Samples = np.abs(transform(windows - windows[..., :1])[..., 1:])
    rms = np.sqrt(np.mean(np.square(magnitudes), axis=-1, keepdims=True))
    magnitudes /= np.maximum(rms, np.finfo(np.float32).tiny)
    return magnitudes


def blocks(samples: Samples, hop: int) -> Samples:
    """Cut samples into the blocks of their frames, ``[T] -> [1 + T // hop, hop]``.

    Block k begins where frame k is centred; the last one is continued by zeros.
    """
    count = 1 + len(samples) // hop
    padded = np.zeros(count * hop, dtype=np.float32)
    padded[: len(samples)] = samples
    return padded.reshape(count, hop)


def spectra_of_frames(samples: Samples, frames: NDArray[np.int64], hop: int) -> Samples:
    """Compute the spectra of windows of frames ``[n, W]`` of a clip: ``[n, W * hop // 2]``.

    ``samples [T]`` begin where frame 0 is centred.
    """
    if len(frames) == 1 and len(samples) == frames.size * hop and frames[0, 0] == 0:
        # One window and all of it, as in a stream: nothing has to be cut out and copied.
        return spectra(samples[None])
    return spectra(blocks(samples, hop)[frames].reshape(len(frames), -1))
