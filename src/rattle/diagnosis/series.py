"""Tell which lines of a spectrum belong together: harmonics of one frequency, or sidebands.

Both are evenly spaced. Harmonics lie at multiples of their spacing; sidebands lie around a carrier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Frequencies = NDArray[np.float64]

FEWEST = 3  # lines that make a series
MOST_STEPS = 3  # from one line of a series to the next
HIGHEST_ORDER = 4  # of which the anchor may be a harmonic when the fundamental itself is not there
CHANCE = 0.05  # of seeing as many lines in a series where there is none
DRIFT = 0.002  # part of its distance by which a line may be off: a spectrum blurs what wanders


@dataclass(frozen=True)
class Series:
    """Lines that belong together: their indices, and what they are multiples of or spaced by."""

    members: tuple[int, ...]
    harmonics_of_hz: float | None
    spacing_hz: float | None


def series_of(lines_hz: Frequencies, anchor: int, tolerance_hz: float) -> Series | None:
    """Find the series that most lines ``[L]`` share with one of them; None if that may be chance.

    A line may be off by ``tolerance_hz``, and by 0.2 % of its distance from the anchor. Spacings
    below eight tolerances are not tried: anything would fit.
    """
    spacings = _spacings(lines_hz, anchor, 8 * tolerance_hz)
    best: tuple[float, float] | None = None
    for spacing in spacings.tolist():
        members = _members(lines_hz, anchor, spacing, tolerance_hz)
        if members.sum() < FEWEST:
            continue
        chance = len(spacings) * _chance(lines_hz, anchor, spacing, tolerance_hz)
        # A tie goes to the wider spacing: half of it would fit as well.
        if chance < CHANCE and (best is None or (members.sum(), spacing) > best):
            best = (int(members.sum()), spacing)
    if best is None:
        return None
    return _described(lines_hz, anchor, best[1], tolerance_hz)


def _chance(lines_hz: Frequencies, anchor: int, spacing: float, tolerance_hz: float) -> float:
    """Compute how likely as many lines would fit if they lay anywhere, by Poisson's law.

    Two lines always fit: a spacing is that of two. 0 Hz counts as a line that all machines have,
    so that it speaks for harmonics.
    """
    points = np.append(lines_hz, 0.0)
    fits = _members(points, anchor, spacing, tolerance_hz)
    reach = MOST_STEPS * spacing
    asked = (points >= points[fits].min() - reach) & (points <= points[fits].max() + reach)
    share = np.minimum(2 * _allowed(points - points[anchor], tolerance_hz) / spacing, 1) * asked
    expected = float(share.sum() - share[anchor] - 2 * tolerance_hz / spacing)
    fewer = [expected**k / math.factorial(k) for k in range(int(fits.sum()) - 2)]
    return 1 - math.exp(-expected) * sum(fewer)


def _spacings(lines_hz: Frequencies, anchor: int, least: float) -> Frequencies:
    apart = np.abs(lines_hz - lines_hz[anchor])
    orders = np.arange(1, HIGHEST_ORDER + 1)
    candidates = np.concatenate([apart, lines_hz[anchor] / orders])
    return np.unique(candidates[candidates >= least])


def _allowed(apart: Frequencies, tolerance_hz: float) -> Frequencies:
    return tolerance_hz + DRIFT * np.abs(apart)


def _members(
    lines_hz: Frequencies, anchor: int, spacing: float, tolerance_hz: float
) -> NDArray[np.bool_]:
    """Tell which lines lie at the spacing, from the anchor on until two in a row are lacking."""
    apart = lines_hz - lines_hz[anchor]
    steps = np.round(apart / spacing)
    fits = np.abs(apart - spacing * steps) <= np.minimum(_allowed(apart, tolerance_hz), spacing / 4)
    taken = np.unique(steps[fits])
    home = int(np.searchsorted(taken, 0))
    gaps = np.flatnonzero(np.diff(taken) > MOST_STEPS)
    first = taken[gaps[gaps < home].max(initial=-1) + 1]
    last = taken[gaps[gaps >= home].min(initial=len(taken) - 1)]
    return np.asarray(fits & (steps >= first) & (steps <= last))


def _described(lines_hz: Frequencies, anchor: int, spacing: float, tolerance_hz: float) -> Series:
    members = np.flatnonzero(_members(lines_hz, anchor, spacing, tolerance_hz))
    hz = lines_hz[members]
    orders = np.round(hz / spacing)
    # Least squares through 0 if they are harmonics.
    fundamental = float(orders @ hz / (orders @ orders))
    off = np.abs(hz - orders * fundamental)
    indices = tuple(members.tolist())
    # The higher the orders, the more fit any line: few lines of high orders are sidebands.
    are_low = 1 <= orders.min() <= 2 * len(hz)
    if are_low and (off <= _allowed(hz, 1.5 * tolerance_hz)).all():
        return Series(indices, fundamental, None)
    steps = np.round((hz - lines_hz[anchor]) / spacing)
    return Series(indices, None, float(np.polyfit(steps, hz, 1)[0]))
