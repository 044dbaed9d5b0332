"""Draw a clip's log-mel as a small image for a page, with the ticks of its axes.

Needs numpy and pillow alone, so that a machine on which nothing is trained draws too.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.pages.palette import palette_png

MAX_COLUMNS = 160
MAX_STEPS = 5  # between the ticks of the time axis
OCTAVES_HZ = (500, 1000, 2000, 4000, 8000, 16000, 32000)


@dataclass(frozen=True)
class Tick:
    """A label of an axis, at so many percent from its start."""

    label: str
    percent: float


@dataclass(frozen=True)
class Spectrogram:
    """An image as a data URI; time goes right, in seconds, and bands go up."""

    image: str
    time_ticks: list[Tick]
    band_ticks: list[Tick]
    band_unit: str


def spectrograms(
    log_mels: Mapping[str, NDArray[np.floating]],
    seconds_a_frame: float,
    band_hz: Sequence[float] | None,
) -> dict[str, Spectrogram]:
    """Draw log-mels, each ``[frames, bands]``; the images are under the same keys.

    All share one range of colours, so that they can be compared. ``band_hz`` gives the bands'
    centres; without it the frequency axis counts bands.
    """
    if not log_mels:
        return {}
    low, high = np.percentile(np.concatenate(list(log_mels.values())), [1, 99.8])
    return {
        key: Spectrogram(
            image=_png(log_mel, low, high),
            time_ticks=_time_ticks(len(log_mel) * seconds_a_frame),
            band_ticks=_band_ticks(log_mel.shape[1], band_hz),
            band_unit="kHz" if band_hz is not None else "mel band",
        )
        for key, log_mel in log_mels.items()
    }


def _png(log_mel: NDArray[np.floating], low: float, high: float) -> str:
    """Draw a data URI; a column is the maximum of its frames, so a short knock shows."""
    frames = len(log_mel)
    starts = np.linspace(0, frames, min(frames, MAX_COLUMNS), endpoint=False, dtype=int)
    pooled = np.maximum.reduceat(log_mel, starts, axis=0).T[::-1]
    return "data:image/png;base64," + base64.b64encode(palette_png(pooled, low, high)).decode()


def time_ticks_s(duration_s: float) -> list[float]:
    """Choose at most six round numbers from 0 to ``duration_s``, which is above 0.

    They are apart by 1, 2 or 5 times a power of ten, by the least of these that suffices.

    >>> time_ticks_s(10.016)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    decade = 10.0 ** (math.floor(math.log10(duration_s)) - 1)
    for factor in (1, 2, 5, 10, 20):
        step = factor * decade
        steps = math.floor(duration_s / step + 1e-9)  # 0.3 / 0.1 is less than 3
        if steps <= MAX_STEPS:
            break
    return [index * step for index in range(steps + 1)]


def _time_ticks(duration_s: float) -> list[Tick]:
    return [Tick(f"{s:g}", 100 * s / duration_s) for s in time_ticks_s(duration_s)]


def _band_ticks(bands: int, band_hz: Sequence[float] | None) -> list[Tick]:
    if band_hz is None:
        return [Tick(str(band), 100 * band / bands) for band in range(0, bands + 1, bands // 4)]
    middles = 100 * (np.arange(bands) + 0.5) / bands
    return [
        Tick(f"{hz / 1000:g}", float(np.interp(hz, band_hz, middles)))
        for hz in OCTAVES_HZ
        if band_hz[0] <= hz <= band_hz[-1]
    ]
