"""Turn a shaft: its angle over time, and sounds that are a function of that angle.

The pressure of blades, vanes or poles repeats with the angle, not with time. One turn is laid
down as a table and read off along the angle, which gives every harmonic, its wander with the
speed and its phase at once, at the cost of one look-up.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic.colour import Samples
from rattle.synthetic.wander import join, step_samples, wander_steps

TABLE_POINTS = 1 << 16


def turns_at(
    rate_hz: float,
    frames: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
    *,
    deviation: float = 0.004,
    relaxation_s: float = 2.0,
) -> NDArray[np.float64]:
    """Draw the angle in turns ``[frames]`` of a shaft at ``rate_hz``; it starts anywhere in [0, 1).

    ``deviation`` is the standard deviation of the speed, as a part of it. The speed is constant
    within a step of the wander, so the angle is made of straight lines.
    """
    speed = 1 + wander_steps(
        frames, sample_rate_hz, rng, deviation=deviation, relaxation_s=relaxation_s
    )
    turns_a_step = speed * (rate_hz * step_samples(sample_rate_hz) / sample_rate_hz)
    return join(np.cumsum(turns_a_step) - turns_a_step[0] + rng.random(), frames, sample_rate_hz)


@lru_cache(maxsize=256)
def one_turn(orders: tuple[complex, ...]) -> Samples:
    """Make the waveform of one turn ``[TABLE_POINTS]`` from its harmonics.

    ``orders[k]`` is the complex amplitude of order k + 1. Leave out orders above half the sample
    rate: a table cannot tell, and they would alias.
    """
    spectrum = np.zeros(TABLE_POINTS // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(orders) + 1] = np.asarray(orders) * (TABLE_POINTS / 2)
    table = np.fft.irfft(spectrum, TABLE_POINTS).astype(np.float32)
    table.setflags(write=False)
    return np.asarray(table)


def cosine_turn(order: int) -> Samples:
    """Make a cosine of amplitude 1 that repeats ``order`` times a turn."""
    return one_turn((0.0,) * (order - 1) + (1.0,))


def read_around(table: Samples, turns: NDArray[np.float64]) -> Samples:
    """Read the table's value at each angle: ``turns [frames] -> [frames]``."""
    points = (turns * TABLE_POINTS).astype(np.int64)
    points &= TABLE_POINTS - 1
    return np.take(table, points)
