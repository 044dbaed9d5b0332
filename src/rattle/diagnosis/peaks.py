"""Find the lines of a spectrum: where they are, how high, and what they rise from.

Spectra are in dB, ``[..., F]``; their first bins hold what does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rattle.diagnosis.usual import Values

NEAR = 0.015
LEAST_BINS = 2  # that near is at least
PEAK_BINS = 3  # a line is the highest bin within so many on either side
SURROUNDINGS_BINS = 32
CLEAR_DB = 6.0  # above its surroundings: a line that one can miss when it is gone


@dataclass(frozen=True)
class Axis:
    """How far the bins of a spectrum are apart, and the first one that counts."""

    bin_hz: float
    first_bin: int


def steady_lines(spectra: Values, axis: Axis) -> NDArray[np.bool_]:
    """Tell at which bins the middle of n spectra has a line that stands out, ``[n, F] -> [F]``."""
    middle = np.median(spectra, axis=0)
    stands_out = middle - surroundings(middle) >= CLEAR_DB
    return np.asarray(are_lines(middle, axis) & stands_out)


def peak(spectrum: Values, place: int) -> tuple[float, float]:
    """Find a line's place between the bins and its level, by the parabola through three of them."""
    before, top, after = spectrum[place - 1 : place + 2].tolist()
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return place + shift, top - 0.25 * (before - after) * shift


def are_lines(spectra: Values, axis: Axis) -> NDArray[np.bool_]:
    """Tell which bins are the highest around: ``[..., F] -> bool [..., F]``."""
    padded = np.pad(spectra, [(0, 0)] * (spectra.ndim - 1) + [(PEAK_BINS, PEAK_BINS)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * PEAK_BINS + 1, axis=-1)
    are = spectra >= windows.max(axis=-1)
    are[..., : axis.first_bin] = False
    are[..., -1] = False
    return np.asarray(are)


def surroundings(spectra: Values) -> Values:
    """Give the level that lines rise from: medians of 32 bins, joined by straight lines."""
    bins = spectra.shape[-1]
    count = max(bins // SURROUNDINGS_BINS, 1)
    edges = np.linspace(0, bins, count + 1).astype(int)
    medians = np.stack(
        [np.median(spectra[..., first:end], axis=-1) for first, end in pairwise(edges.tolist())],
        axis=-1,
    )
    centres = (edges[:-1] + edges[1:] - 1) / 2
    # Weights of the two medians around each bin, the same for all spectra.
    after = np.clip(np.searchsorted(centres, np.arange(bins)), 1, max(count - 1, 1))
    if count == 1:
        return np.broadcast_to(medians, spectra.shape)
    share = np.clip(
        (np.arange(bins) - centres[after - 1]) / (centres[after] - centres[after - 1]), 0, 1
    )
    return np.asarray(medians[..., after - 1] * (1 - share) + medians[..., after] * share)


def highest_near(spectra: Values, axis: Axis) -> Values:
    """Give the highest level within 1.5 % of each bin's frequency ``[n, F] -> [n, F]``.

    Maxima over 1, 2, 4 ... bins are made first; any stretch is covered by two of these.
    """
    bins = spectra.shape[-1]
    reach = np.maximum(np.ceil(NEAR * np.arange(bins)).astype(np.int64), LEAST_BINS)
    first = np.maximum(np.arange(bins) - reach, min(axis.first_bin, bins - 1))
    last = np.minimum(np.arange(bins) + reach, bins - 1)
    length = np.maximum(last - first + 1, 1)
    first = last - length + 1
    power = np.floor(np.log2(length)).astype(np.int64)
    highest = np.empty_like(spectra)
    doubled = spectra
    for exponent in range(int(power.max()) + 1):
        here = np.flatnonzero(power == exponent)
        width = 1 << exponent
        highest[:, here] = np.maximum(doubled[:, first[here]], doubled[:, last[here] - width + 1])
        doubled = np.maximum(
            doubled[:, : bins - 2 * width + 1], doubled[:, width : bins - width + 1]
        )
    return highest
