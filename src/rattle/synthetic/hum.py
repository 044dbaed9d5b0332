"""Make the hum of iron in a field of line frequency."""

from __future__ import annotations

import numpy as np

from rattle.synthetic.colour import Samples
from rattle.synthetic.shaft import one_turn, read_around, turns_at

LINE_HZ = 50.0


def hum(
    orders: tuple[float, ...], frames: int, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Make harmonics of twice the line frequency (magnetic pull knows no sign) -> ``[frames]``.

    ``orders[k]`` is the amplitude of harmonic k + 1.
    """
    turns = turns_at(2 * LINE_HZ, frames, sample_rate_hz, rng, deviation=2e-4)
    return read_around(one_turn(orders), turns)
