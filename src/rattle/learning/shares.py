"""Split a machine's normals into shares, each of which is held out by one of the trainings.

Clips that are recordings of their own are drawn by chance. Excerpts of one long recording are not:
what follows a clip by two seconds sounds like it, and a threshold that is fitted to neighbours of
clips that were learnt from comes out too low. So each share has one stretch of the recording's
time.

    recording  |---------------------------------------------------------------|
    shares      3 3 3 3 3  4 4 4 4 4  0 0 0 0 0  1 1 1 1 1  2 2 2 2 2     from a place by chance
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.clips.manifest import Manifest
from rattle.randomness import HELD_OUT, stream
from rattle.recipe import Recipe

Places = NDArray[np.int64]

# A recording that has fewer excerpts for each share is drawn by chance as a whole, as a clip is.
EXCERPTS_A_SHARE = 2


def shares_of(normals: Manifest, recipe: Recipe, seed: int) -> list[Places]:
    """Split normals into the recipe's shares: their rows, by share; the first has two or more."""
    count, rng = recipe.training.shares, stream(seed, HELD_OUT)
    recordings = _recordings(normals)
    is_long = [len(rows) >= EXCERPTS_A_SHARE * count for rows in recordings]
    stretched = [rows for rows, long in zip(recordings, is_long, strict=True) if long]
    others = [rows for rows, long in zip(recordings, is_long, strict=True) if not long]
    order = [others[place] for place in rng.permutation(len(others))]
    line = np.concatenate([*order, np.empty(0, np.int64)])
    parts = [_parts(line, recipe, least=0 if stretched else 2)]
    for rows in stretched:
        stretches = _parts(rows, recipe, least=2)
        first = int(rng.integers(count))
        # In time order, the first stretch is that of share ``first``.
        turned = [len(stretches[(first + turn) % count]) for turn in range(count)]
        cut = np.split(rows, np.cumsum(turned)[:-1])
        parts.append([cut[(share - first) % count] for share in range(count)])
    return [np.concatenate([part[share] for part in parts]) for share in range(count)]


def _parts(rows: Places, recipe: Recipe, *, least: int) -> list[Places]:
    first = max(round(len(rows) * recipe.training.held_out), least)
    return [rows[:first], *np.array_split(rows[first:], recipe.training.shares - 1)]


def _recordings(normals: Manifest) -> list[Places]:
    """Give the rows of each recording, in the table's order: of an excerpt's all, in time order."""
    rows: dict[str, list[int]] = {}
    for row, clip in enumerate(normals):
        rows.setdefault(clip.path, []).append(row)
    return [np.array(of, dtype=np.int64) for of in rows.values()]
