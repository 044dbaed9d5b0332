"""Make the sound of a rolling bearing with a spall: how often balls strike it, what that excites.

With n balls of diameter d on a pitch circle D at contact angle a, a spot on the fixed outer ring
is passed BPFO = n/2 (1 - d/D cos a) times a turn, one on the turning inner ring
BPFI = n/2 (1 + d/D cos a) times (Randall and Antoni, Rolling element bearing diagnostics - a
tutorial, Mech. Syst. Signal Process. 25, 2011). The balls slip by a percent or so, so the blows
are not strictly periodic. An outer spall sits in the load all the time; an inner one turns
through the load zone and is struck hard once a turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rattle.synthetic.colour import Samples
from rattle.synthetic.dice import Dice
from rattle.synthetic.impacts import Mode, ring, strike
from rattle.synthetic.running import Running

SLIP = 0.01  # standard deviation of the spacing of the blows, as a part of it


@dataclass(frozen=True)
class Bearing:
    """Geometry, and the resonance of the housing that the blows excite."""

    balls: int
    ball_to_pitch: float
    contact_angle_rad: float
    resonance_hz: float
    decay_s: float

    @classmethod
    def draw(cls, dice: Dice) -> Bearing:
        return cls(
            balls=dice.one_of(8, 9, 7, 11),
            ball_to_pitch=dice.between(0.18, 0.3),
            contact_angle_rad=dice.between(0.05, 0.3),
            resonance_hz=dice.between(2000, 6000),
            decay_s=dice.between(0.0008, 0.002),
        )

    @property
    def outer_per_turn(self) -> float:
        """BPFO as a multiple of the shaft's rate."""
        return self.balls / 2 * (1 - self.ball_to_pitch * math.cos(self.contact_angle_rad))

    @property
    def inner_per_turn(self) -> float:
        """BPFI as a multiple of the shaft's rate."""
        return self.balls / 2 * (1 + self.ball_to_pitch * math.cos(self.contact_angle_rad))


def outer_race(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Make blows on a spall of the outer ring, ``[frames]``."""
    angles = _struck_at(running, bearing.outer_per_turn, rng)
    return _blows(running, bearing, angles, np.ones(len(angles)), sample_rate_hz, rng)


def inner_race(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Make blows on a spall of the inner ring, in the load zone once a turn, ``[frames]``."""
    angles = _struck_at(running, bearing.inner_per_turn, rng)
    load = np.maximum(np.cos(2 * np.pi * (angles + rng.random())), -0.2) + 0.25
    return _blows(running, bearing, angles, load, sample_rate_hz, rng)


def _struck_at(running: Running, per_turn: float, rng: np.random.Generator) -> np.ndarray:
    """Draw shaft angles of the blows, in turns, with slip that adds up."""
    first, last = running.turns[0], running.turns[-1]
    count = int((last - first) * per_turn * (1 + 3 * SLIP)) + 2
    spacing = 1 + SLIP * rng.standard_normal(count)
    return np.asarray(first + (np.cumsum(spacing) - rng.random()) / per_turn)


def _blows(
    running: Running,
    bearing: Bearing,
    angles: np.ndarray,
    load: np.ndarray,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> Samples:
    frames = len(running.samples)
    at = np.searchsorted(running.turns, angles)  # past the end: ``frames``, which strike drops
    speed = running.speed[np.minimum(at, frames - 1)]
    strength = speed * load * rng.uniform(0.8, 1.2, len(at))
    modes = (
        Mode(bearing.resonance_hz, bearing.decay_s),
        Mode(1.7 * bearing.resonance_hz, bearing.decay_s / 2, 0.4),
    )
    return strike(frames, at, strength, ring(modes, sample_rate_hz))
