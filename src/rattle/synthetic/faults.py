"""Add the faults of a machine to its sound.

| fault | what is heard |
|---|---|
| imbalance | all swells once a turn, with a tone at 1x |
| bearing_outer | blows at BPFO |
| bearing_inner | blows at BPFI, louder once a turn |
| leak | steady hiss |
| looseness | sub-harmonics and harmonics of the shaft, rattles |
| rub | a burst of friction once a turn, on and off |
| stuck | strokes late or missing |

Which machine can have which is ``FAULTS_OF_TYPE`` in ``specimen``.
All but ``stuck`` add a sound to the healthy machine's, so their amplitude is simply proportional
to the severity; ``stuck`` changes the strokes themselves (``Sticking``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from rattle.synthetic.bearing import Bearing, inner_race, outer_race
from rattle.synthetic.colour import Colour, Peak, Samples, noise
from rattle.synthetic.impacts import Mode, ring, strike
from rattle.synthetic.level import amplitude
from rattle.synthetic.running import Running
from rattle.synthetic.shaft import TABLE_POINTS, cosine_turn, one_turn, read_around
from rattle.synthetic.wander import wander

Fault: TypeAlias = Callable[[Running, Bearing, int, np.random.Generator], Samples]

STUCK = "stuck"
LOOSE_ORDERS = (1.0, 0.3, 0.7, 0.6, 0.5, 0.5, 0.35, 0.4, 0.25, 0.3)  # of half the shaft's rate
HARD_KNOCK, SOFT_KNOCK = 9.0, 2.0  # a thud or click shakes a loose part more than a turn does
RUB_WIDTH = 0.12  # of a turn


def imbalance(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Swell the machine's own sound once a turn and shake the frame at 1x (and a little 2x)."""
    del bearing, sample_rate_hz
    turns = running.turns + rng.random()
    swell = read_around(cosine_turn(1), turns)
    shake = read_around(one_turn((1.0, 0.25, 0.1)), turns)
    return np.asarray(running.speed * (0.7 * running.samples * swell + shake))


def leak(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Add the hiss of a jet, whether the machine moves or not: broad noise around 2.5 to 6 kHz."""
    del bearing
    frames = len(running.samples)
    jet = Colour(1500, 7000, 6, (Peak(rng.uniform(2500, 6000), 2, 10),))
    flutter = 1 + wander(frames, sample_rate_hz, rng, deviation=0.1, relaxation_s=0.2)
    return noise(jet, frames, sample_rate_hz, rng) * flutter


def looseness(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Add half orders of the shaft, and a loose part that rattles at times after a knock.

    A machine that only turns knocks once a turn.
    """
    del bearing
    frames = len(running.samples)
    knocks, loudness = running.knocks, HARD_KNOCK
    if not len(knocks):
        knocks, loudness = np.flatnonzero(np.diff(np.floor(running.turns)) > 0), SOFT_KNOCK
    contact = wander(frames, sample_rate_hz, rng, deviation=1.0, relaxation_s=0.5)
    inside = knocks[(knocks >= 0) & (knocks < frames)]
    strength = np.maximum(contact[inside] + 0.3, 0)
    spacing_s = np.array([0.0, 0.011, 0.019, 0.025, 0.029]) * rng.uniform(0.7, 1.3)
    gaps = np.rint((0.004 + spacing_s) * sample_rate_hz).astype(np.int64)
    at = (inside[:, None] + gaps).ravel()
    fading = (strength[:, None] * 0.7 ** np.arange(len(gaps))).ravel()
    part = ring(
        (Mode(rng.uniform(900, 2200), 0.004), Mode(rng.uniform(2500, 4500), 0.002)), sample_rate_hz
    )
    rattle = strike(frames, at, fading * rng.uniform(0.6, 1.4, len(at)), part)
    tones = read_around(one_turn(LOOSE_ORDERS), running.turns / 2 + rng.random())
    return np.asarray(loudness * rattle + 0.25 * running.speed * tones)


def rub(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Add a turning part that grazes a fixed one: bursts of friction once a turn, on contact."""
    del bearing
    frames = len(running.samples)
    friction = Colour(800, 6000, 6, (Peak(rng.uniform(1500, 5000), 4, 10),))
    touch = wander(frames, sample_rate_hz, rng, deviation=1.0, relaxation_s=0.7)
    touch = np.clip(touch + 0.7, 0, 1.5)
    graze = read_around(_graze(), running.turns + rng.random())
    return np.asarray(
        2 * noise(friction, frames, sample_rate_hz, rng) * graze * touch * running.speed
    )


@lru_cache(maxsize=1)
def _graze() -> Samples:
    """Make one turn of contact: a raised cosine over ``RUB_WIDTH`` of it, 0 elsewhere."""
    angle = np.arange(TABLE_POINTS) / TABLE_POINTS / RUB_WIDTH
    return np.where(angle < 1, np.sin(np.pi * angle) ** 2, 0).astype(np.float32)


ADDED: Mapping[str, Fault] = MappingProxyType(
    {
        "imbalance": imbalance,
        "bearing_outer": outer_race,
        "bearing_inner": inner_race,
        "leak": leak,
        "looseness": looseness,
        "rub": rub,
    }
)
# What each adds at severity 1, in dB relative to the healthy machine, before its room.
FULL_DB: Mapping[str, float] = MappingProxyType(
    {
        "imbalance": -3.0,
        "bearing_outer": 7.0,
        "bearing_inner": 9.0,
        "leak": -6.0,
        "looseness": -1.0,
        "rub": 3.0,
    }
)


def added_by(
    fault: str,
    running: Running,
    bearing: Bearing,
    *,
    severity: float,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> Samples:
    """Compute what a fault adds to a running machine whose healthy RMS is 1, ``[frames]``."""
    added = ADDED[fault](running, bearing, sample_rate_hz, rng)
    return added * np.float32(severity * amplitude(FULL_DB[fault]))
