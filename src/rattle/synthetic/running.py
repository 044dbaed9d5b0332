"""Hold a machine at work as its faults see it: sound, shaft, speed and knocks; time its strokes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic.colour import Samples

MISSED = 0.4  # of the strokes, at severity 1


@dataclass(frozen=True)
class Running:
    """One recording's worth of a machine at work, close by and without a room.

    samples: its sound, ``[frames]``.
    turns: angle of its shaft in turns, ``[frames]``; does not move where there is no shaft.
    speed: speed of the shaft, 0 at rest and 1 at its nominal speed, ``[frames]``.
    knocks: samples at which parts of it strike each other, ``[K]``.
    """

    samples: Samples
    turns: NDArray[np.float64]
    speed: Samples
    knocks: NDArray[np.int64]


@dataclass(frozen=True)
class Sticking:
    """A machine sticks: its strokes come late, each by its own delay, and some never come.

    With the same generator a higher severity makes every delay longer and misses every stroke
    that a lower one misses.
    """

    severity: float
    rng: np.random.Generator


def stroke_starts(
    period_s: float,
    seconds: float,
    rng: np.random.Generator,
    *,
    jitter_s: float,
    slack_s: float,
    sticking: Sticking | None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Draw when a timed machine starts its strokes, and which take place: ``[K]``, ``[K]``.

    From one period before the recording to its end. ``slack_s`` is the longest delay after
    which a stroke still ends before the next one.
    """
    count = int(seconds / period_s) + 2
    happens = np.full(count, True)
    starts_s = (np.arange(count, dtype=np.float64) - rng.random()) * period_s
    starts_s += rng.uniform(-jitter_s, jitter_s, count)
    if sticking is None:
        return starts_s, happens
    starts_s += sticking.rng.random(count) * sticking.severity * slack_s
    happens &= sticking.rng.random(count) >= MISSED * sticking.severity
    return starts_s, happens
