"""Take one value of each incident above a low level: peaks that are independent of each other.

Declustering by runs (Leadbetter, *On a basis for peaks over threshold modeling*, 1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.scoring.budget.minutes import CALM_MINUTES, Places, runs
from rattle.scoring.budget.rule import Values

MOST_PEAKS = 100
# Above a level that more of the ten-minute blocks pass, peaks are no rare events and merge.
SHARE_OF_BLOCKS = 0.2
LEVELS = 48  # looked at in one go


@dataclass(frozen=True)
class Peaks:
    """The base level u0, and by how much the highest minute of each incident is above it ``[n]``.

    ``excesses`` is in the order of time.
    """

    base: float
    excesses: Values


def find_peaks(minutes: Values, kept: Places | None = None) -> Peaks:
    """Find the peaks of ``minutes [T]`` above the lowest level that gives up to 100 of them.

    At most a fifth as many as there are blocks of ten minutes. ``kept`` are the places ``[m]``,
    ascending, of the minutes that count; by default all. None is found where all minutes are
    alike, or where there are fewer than five blocks.
    """
    places = np.arange(len(minutes)) if kept is None else kept
    values = minutes[places]
    most = min(MOST_PEAKS, int(SHARE_OF_BLOCKS * len(places) / CALM_MINUTES))
    highest_first = np.sort(values)[::-1]
    if not len(values) or most < 1:
        return Peaks(float(highest_first[0]) if len(values) else 0.0, np.empty(0))
    base = _base(values, places, highest_first, most)
    above = np.flatnonzero(values > base)
    firsts, _ = runs(places[above])
    starts = np.searchsorted(places[above], firsts)
    tops = np.maximum.reduceat(values[above], starts) if len(above) else np.empty(0)
    return Peaks(base, np.asarray(tops - base, dtype=np.float64))


def _base(values: Values, places: Places, highest_first: Values, most: int) -> float:
    """The level, among the minutes' own, below which there would be more peaks than ``most``.

    How many there are grows as the level falls, until they merge. So the levels are gone through
    from the top, coarsely, and halved where a step went too far.
    """
    ranks = np.geomspace(1, max(len(highest_first) - 1, 1), LEVELS).astype(np.int64)
    best_rank = best = 0
    for rank in np.unique(np.minimum(ranks, len(highest_first) - 1)):
        count = _count(values, places, highest_first[rank])
        if count > most:
            return _between(values, places, highest_first, (best_rank, int(rank)), most)
        if 2 * count < best:  # they merge
            break
        if count >= best:
            best_rank, best = int(rank), count
    return float(highest_first[best_rank])


def _between(
    values: Values, places: Places, highest_first: Values, ranks: tuple[int, int], most: int
) -> float:
    """Halve between a rank with few enough peaks and one with too many."""
    low, high = ranks
    while high - low > 1:
        middle = (low + high) // 2
        if _count(values, places, highest_first[middle]) > most:
            high = middle
        else:
            low = middle
    return float(highest_first[low])


def _count(values: Values, places: Places, level: float) -> int:
    above = places[values > level]
    return int(len(above) > 0) + int(np.count_nonzero(np.diff(above) > CALM_MINUTES))
