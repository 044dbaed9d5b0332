"""Make the sound of a fan: blades that pass a strut, shaft, turbulence and the hum of its motor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rattle.synthetic.colour import Colour, Peak, Samples, noise
from rattle.synthetic.dice import Dice
from rattle.synthetic.hum import hum
from rattle.synthetic.level import amplitude
from rattle.synthetic.running import Running, Sticking
from rattle.synthetic.shaft import cosine_turn, one_turn, read_around, turns_at
from rattle.synthetic.wander import wander

HUM_ORDERS = (1.0, 0.4, 0.15)
BLADE_HARMONICS = 24
SHAFT_HARMONICS = 4
MOST_BLADES = 11


@dataclass(frozen=True)
class Fan:
    """The fixed parameters of one fan; levels in dB relative to its first blade-pass harmonic."""

    shaft_hz: float
    blades: int
    blade_decay: float  # harmonic k of the blade pass has amplitude k ** -blade_decay
    unevenness: float  # amplitude of the shaft orders between the blade orders, of that
    shaft_db: float
    hum_db: float
    turbulence_db: float
    turbulence_depth: float
    turbulence: Colour
    phases: tuple[complex, ...]

    @classmethod
    def draw(cls, dice: Dice) -> Fan:
        return cls(
            shaft_hz=dice.between(18, 48),
            blades=dice.one_of(5, 7, 9, 6, MOST_BLADES),
            blade_decay=dice.between(0.9, 2.0),
            unevenness=dice.between(0.02, 0.08),
            shaft_db=dice.decibels(-16, -6),
            hum_db=dice.decibels(-18, -6),
            turbulence_db=dice.decibels(-4, 4),
            turbulence_depth=dice.between(0.2, 0.45),
            turbulence=Colour(
                low_cut_hz=dice.between(40, 120),
                corner_hz=dice.between(300, 1200),
                slope_db_per_octave=dice.decibels(5, 8),
                peaks=(
                    Peak(dice.between(180, 600), 4, dice.decibels(4, 10)),
                    Peak(dice.between(800, 2000), 5, dice.decibels(3, 10)),
                    Peak(dice.between(2500, 5500), 4, dice.decibels(4, 12)),
                ),
            ),
            phases=tuple(dice.phase() for _ in range(BLADE_HARMONICS * MOST_BLADES)),
        )

    def run(
        self,
        frames: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        sticking: Sticking | None = None,
    ) -> Running:
        """Run without a pause: there are no strokes that could stick."""
        del sticking
        shaft_hz = self.shaft_hz * (1 + 0.012 * rng.standard_normal())
        turns = turns_at(shaft_hz, frames, sample_rate_hz, rng)
        wash = 1 + self.turbulence_depth * read_around(cosine_turn(self.blades), turns)
        wash += wander(frames, sample_rate_hz, rng, deviation=0.08, relaxation_s=0.4)
        wash *= noise(self.turbulence, frames, sample_rate_hz, rng)
        motor = hum(HUM_ORDERS, frames, sample_rate_hz, rng)

        samples = read_around(_tones(self, sample_rate_hz), turns) * amplitude(rng.normal(0, 1))
        samples += wash * amplitude(self.turbulence_db + rng.normal(0, 1))
        samples += motor * amplitude(self.hum_db)
        return Running(samples, turns, np.ones(frames, np.float32), np.empty(0, np.int64))


@lru_cache(maxsize=64)
def _tones(fan: Fan, sample_rate_hz: int) -> Samples:
    """Make one turn of blades that are all but alike, and of the shaft."""
    highest = int(0.45 * sample_rate_hz / fan.shaft_hz)
    order = np.arange(1, min(highest, len(fan.phases), fan.blades * BLADE_HARMONICS) + 1)
    strength = np.maximum(order / fan.blades, 1) ** -fan.blade_decay
    strength[order % fan.blades != 0] *= fan.unevenness
    strength[:SHAFT_HARMONICS] += amplitude(fan.shaft_db) / order[:SHAFT_HARMONICS]
    return one_turn(tuple(strength * np.asarray(fan.phases[: len(order)])))
