"""A clip's log-mel as a small image for a page, with the ticks of its axes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

LogMel = NDArray[np.floating]

MAX_COLUMNS = 160
# A palette of few colours makes a noisy image four times smaller and looks the same at this size.
COLOURS = 24
OCTAVES_HZ = (500, 1000, 2000, 4000, 8000, 16000, 32000)


@dataclass(frozen=True)
class Tick:
    """A label at a place along an axis, in percent from its start."""

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
    log_mels: Mapping[str, LogMel], seconds_a_frame: float, band_hz: Sequence[float] | None
) -> dict[str, Spectrogram]:
    """Images of log-mels, each ``[frames, bands]``, under the same keys.

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


def _png(log_mel: LogMel, low: float, high: float) -> str:
    """The image as a data URI; a column is the maximum of its frames, so a short knock shows."""
    frames = len(log_mel)
    starts = np.linspace(0, frames, min(frames, MAX_COLUMNS), endpoint=False, dtype=int)
    pooled = np.maximum.reduceat(log_mel, starts, axis=0).T[::-1]
    shade = np.clip((pooled - low) / max(high - low, 1e-9), 0, 1)
    image = Image.fromarray(np.rint(shade * (COLOURS - 1)).astype(np.uint8))
    palette = matplotlib.colormaps["magma"](np.linspace(0, 1, COLOURS))[:, :3]
    image.putpalette(np.rint(palette * 255).astype(np.uint8).tobytes())
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def _time_ticks(duration_s: float) -> list[Tick]:
    ticks = MaxNLocator(nbins=5).tick_values(0, duration_s)
    return [Tick(f"{s:g}", 100 * s / duration_s) for s in ticks if 0 <= s <= duration_s]


def _band_ticks(bands: int, band_hz: Sequence[float] | None) -> list[Tick]:
    if band_hz is None:
        return [Tick(str(band), 100 * band / bands) for band in range(0, bands + 1, bands // 4)]
    middles = 100 * (np.arange(bands) + 0.5) / bands
    return [
        Tick(f"{hz / 1000:g}", float(np.interp(hz, band_hz, middles)))
        for hz in OCTAVES_HZ
        if band_hz[0] <= hz <= band_hz[-1]
    ]
