"""Carry minutes over to another head, or encoder, that did not hear them.

How both score the same healthy sound says where the middle of it lies by each, and how widely it
spreads; a minute is taken to lie as far out by the one as by the other, in deviations.
"""

from __future__ import annotations

import numpy as np

from rattle.scoring.budget.rule import Values


def carried(minutes: Values, before: Values, after: Values) -> Values:
    """Give M ``[T]`` by the new of minutes by the old, which score the same healthy sound.

    ``before`` and ``after`` are these scores ``[n]``. Minutes stay as they are where there is no
    such sound, or all of it scores alike.
    """
    if not len(before) or not before.std() > 0:
        return minutes
    return np.asarray(after.mean() + (minutes - before.mean()) * (after.std() / before.std()))
