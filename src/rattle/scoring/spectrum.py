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


def folded(windows: Samples, length: int) -> Samples:
    """Lay what lies beyond ``length`` samples over the beginning, ``[n, T] -> [n, length]``.

    The transform of it is that of the whole window, at the frequencies of one of that length:
    each of those has a whole number of periods in what was moved. A constant would be one no
    longer, and is taken out.
    """
    if windows.shape[1] <= length:
        return windows
    windows = windows - windows[:, :1]
    windows -= windows.mean(axis=1, keepdims=True)
    laid = windows[:, :length]
    for start in range(length, windows.shape[1], length):
        beyond = windows[:, start : start + length]
        laid[:, : beyond.shape[1]] += beyond
    return laid


def spectra_of_frames(
    samples: Samples, frames: NDArray[np.int64], hop: int, length: int
) -> Samples:
    """Compute the spectra of windows of frames ``[n, W]`` of a clip: ``[n, length * hop // 2]``.

    ``samples [T]`` begin where frame 0 is centred and are continued by zeros. ``length`` is that of
    the encoder's window in frames; W is as large or, for a clip that is seen whole, larger.
    """
    first, last = int(frames[0, 0]), int(frames[0, -1])
    if len(frames) == 1 and last - first == frames.size - 1:
        # One window, as in a stream, or a clip seen whole: cut out at once.
        windows = samples[None, first * hop : (last + 1) * hop]
        if windows.size < frames.size * hop:
            windows = np.pad(windows, ((0, 0), (0, frames.size * hop - windows.size)))
    else:
        windows = blocks(samples, hop)[frames].reshape(len(frames), -1)
    return spectra(folded(windows, length * hop))
