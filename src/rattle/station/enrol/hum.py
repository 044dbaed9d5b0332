"""Find the hum of the mains: lines at 50 or 60 Hz and their multiples that stand out.

A cable that runs beside a power line, or a loop over two earths, hums so, and a motor does as well:
the lines do not say which. How much of the sound they are does say whether to look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAINS_HZ = (50, 60)
HARMONICS = 10
# The mains is off by so much at most, k times as much at its k-th multiple.
OFF_HZ = 0.2
# A line stands out by so much over the median of what is around it, within so many Hz.
STANDS_OUT_DB = 12.0
AROUND_HZ = 8.0
# Of the multiples so many at least: one line is a tone of the machine.
FEWEST_LINES = 3


@dataclass(frozen=True)
class Hum:
    """Lines of the mains; ``share_db`` is their power over that of the whole sound, below 0."""

    mains_hz: int
    lines: int
    share_db: float


def hum_of(samples: NDArray[np.float32], sample_rate_hz: int) -> Hum | None:
    """Find the hum in ``samples [T]`` of some seconds; None where there is none.

    >>> t = np.arange(80_000) / 8000
    >>> noise = np.random.default_rng(0).normal(0, 0.01, 80_000)
    >>> hum = sum(0.05 * np.sin(2 * np.pi * 50 * k * t) for k in (1, 3, 5))
    >>> hum_of((noise + hum).astype(np.float32), 8000)
    Hum(mains_hz=50, lines=3, share_db=-0.1)
    >>> hum_of(noise.astype(np.float32), 8000) is None
    True
    """
    if len(samples) < 2 * sample_rate_hz:
        return None
    spectrum = np.fft.rfft((samples - samples.mean()) * np.hanning(len(samples)))
    power = np.square(np.abs(spectrum)).astype(np.float64)
    total = power.sum()
    if not np.isfinite(total) or total <= 0:
        return None
    bin_hz = sample_rate_hz / len(samples)
    found = [_lines_of(power, bin_hz, mains) for mains in MAINS_HZ]
    lines, line_power, mains = max(
        (len(powers), sum(powers), mains) for powers, mains in zip(found, MAINS_HZ, strict=True)
    )
    if lines < FEWEST_LINES:
        return None
    return Hum(mains, lines, round(10 * float(np.log10(line_power / total)), 1))


def _lines_of(power: NDArray[np.float64], bin_hz: float, mains_hz: int) -> list[float]:
    """Give the power of each multiple that stands out."""
    found = []
    for multiple in range(1, HARMONICS + 1):
        centre, reach = multiple * mains_hz / bin_hz, multiple * OFF_HZ / bin_hz + 2
        low, high = round(centre - reach), round(centre + reach) + 1
        around = round(AROUND_HZ / bin_hz)
        if high + around >= len(power) or low - around < 1:
            continue
        floor = float(np.median(np.r_[power[low - around : low], power[high : high + around]]))
        line = power[low:high]
        if line.max() > floor * 10 ** (STANDS_OUT_DB / 10):
            found.append(float((line - floor).clip(0).sum()))
    return found
