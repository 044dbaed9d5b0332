"""Carry minutes over to another head where no embedding of them is kept.

How both heads score the healthy clips that the bundle keeps says where the middle of healthy sound
lies by each, and how widely it spreads; a minute is taken to lie as far out by the one as by the
other, in deviations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.rule import Values
from rattle.station.learn.replay import Voice


def carried(minutes: Values, old: Voice, new: Voice, healthy: NDArray[np.float32]) -> Values:
    """Give M ``[T]`` by the new head of minutes by the old; ``healthy`` are embeddings ``[n, D]``.

    They stay as they are where no healthy clip is kept, or all of them score alike.
    """
    if not len(healthy):
        return minutes
    before, after = old.scores(healthy), new.scores(healthy)
    if not before.std() > 0:
        return minutes
    return np.asarray(after.mean() + (minutes - before.mean()) * (after.std() / before.std()))
