"""Draw a recording's spectrum over time: frequencies go up by octaves, time goes right.

It spans the whole recording, at most 90 s, and from 40 Hz to half the sample rate, so that a page
can lay it under a player.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.clips.reading import clip_blocks, probe
from rattle.pages.palette import palette_png

MOST_S = 90.0
LOWEST_HZ = 40.0
ROWS, MOST_COLUMNS = 192, 960
# About an eighth of a second: two lines 20 Hz apart are two.
WINDOW_S = 0.128
# Below this much under the loudest there is nothing to be seen but the recorder's noise.
RANGE_DB = 70.0

Values = NDArray[np.float64]


def sound_picture(path: Path) -> bytes:
    """Draw the recording as a PNG file; raises ``ClipError`` where it cannot be read."""
    info = probe(path)
    rate_hz = info.sample_rate_hz
    window = 2 ** round(math.log2(WINDOW_S * rate_hz))
    spectra = _spectra(path, rate_hz, window)
    rows = _by_octaves(spectra, rate_hz, window)
    starts = np.linspace(0, len(rows), min(len(rows), MOST_COLUMNS), endpoint=False, dtype=int)
    pooled = np.maximum.reduceat(rows, starts, axis=0).T[::-1]
    low, high = np.percentile(pooled, [5, 99.8])
    return palette_png(pooled, max(low, high - RANGE_DB), high)


def _spectra(path: Path, rate_hz: int, window: int) -> Values:
    """Levels in dB of windows that overlap by half ``[frames, window / 2 + 1]``."""
    hop, weight = window // 2, np.hanning(window)
    waiting = np.empty(0, dtype=np.float32)
    left = int(MOST_S * rate_hz)
    levels: list[NDArray[np.float32]] = []
    for block in clip_blocks(path, sample_rate_hz=rate_hz, channel="mean"):
        waiting = np.concatenate([waiting, block[:left]])
        left -= len(block[:left])
        count = (len(waiting) - window) // hop + 1
        if count > 0:
            levels.append(_levels(waiting, count, hop, weight))
            waiting = waiting[count * hop :]
        if left <= 0:
            break
    if not levels:
        padded = np.pad(waiting, (0, window - len(waiting)))
        levels.append(_levels(padded, 1, hop, weight))
    return np.concatenate(levels).astype(np.float64)


def _levels(
    samples: NDArray[np.float32], count: int, hop: int, weight: Values
) -> NDArray[np.float32]:
    frames = np.lib.stride_tricks.sliding_window_view(samples, len(weight))[::hop][:count]
    power = np.abs(np.fft.rfft(frames * weight)) ** 2
    return (10 * np.log10(power + 1e-10)).astype(np.float32)


def _by_octaves(spectra: Values, rate_hz: int, window: int) -> Values:
    """Take of each row's band the loudest line ``[frames, ROWS]``; so a thin line stays visible."""
    edges_hz = np.geomspace(min(LOWEST_HZ, rate_hz / 8), rate_hz / 2, ROWS + 1)
    edges = edges_hz * window / rate_hz
    middles = np.sqrt(edges[:-1] * edges[1:])
    rows = np.empty((len(spectra), ROWS))
    for row, (low, high, middle) in enumerate(zip(edges[:-1], edges[1:], middles, strict=True)):
        first, last = math.ceil(low), math.floor(high)
        if last > first:
            rows[:, row] = spectra[:, first : last + 1].max(axis=1)
        else:  # narrower than a line: between its two neighbours
            below = min(int(middle), spectra.shape[1] - 2)
            share = middle - below
            rows[:, row] = (1 - share) * spectra[:, below] + share * spectra[:, below + 1]
    return rows
