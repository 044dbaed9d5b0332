"""Make the sound of a pump: pulsation of its vanes, flow noise, and a casing that resonates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rattle.synthetic.colour import Colour, Peak, Samples, noise
from rattle.synthetic.dice import Dice
from rattle.synthetic.level import amplitude
from rattle.synthetic.running import Running, Sticking
from rattle.synthetic.shaft import cosine_turn, one_turn, read_around, turns_at
from rattle.synthetic.wander import wander

MOST_ORDERS = 160


@dataclass(frozen=True)
class Pump:
    """The fixed parameters of one pump; levels in dB relative to its pulsation."""

    shaft_hz: float
    vanes: int
    pulsation_decay: float  # harmonic k of the vane pass drives the casing as k ** -decay
    shaft_db: float
    flow_db: float
    flow_depth: float
    surge: float  # slow relative swell of the flow
    casing: Colour
    phases: tuple[complex, ...]

    @classmethod
    def draw(cls, dice: Dice) -> Pump:
        return cls(
            shaft_hz=dice.between(22, 50),
            vanes=dice.one_of(5, 6, 7, 4),
            pulsation_decay=dice.between(0.6, 1.2),
            shaft_db=dice.decibels(-12, -2),
            flow_db=dice.decibels(-3, 5),
            flow_depth=dice.between(0.15, 0.5),
            surge=dice.between(0.08, 0.2),
            casing=Colour(
                low_cut_hz=dice.between(50, 150),
                corner_hz=dice.between(250, 900),
                slope_db_per_octave=dice.decibels(7, 11),
                peaks=(
                    Peak(dice.between(220, 600), 8, dice.decibels(8, 16)),
                    Peak(dice.between(700, 1500), 12, dice.decibels(8, 16)),
                    Peak(dice.between(1600, 3200), 10, dice.decibels(8, 18)),
                    Peak(dice.between(3500, 6500), 8, dice.decibels(8, 18)),
                ),
            ),
            phases=tuple(dice.phase() for _ in range(MOST_ORDERS)),
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
        shaft_hz = self.shaft_hz * (1 + 0.006 * rng.standard_normal())
        turns = turns_at(shaft_hz, frames, sample_rate_hz, rng, deviation=0.002)
        flow = 1 + self.flow_depth * read_around(cosine_turn(self.vanes), turns)
        flow += wander(frames, sample_rate_hz, rng, deviation=self.surge, relaxation_s=0.8)
        flow *= noise(self.casing, frames, sample_rate_hz, rng)

        samples = read_around(_pulsation(self, sample_rate_hz), turns)
        samples *= amplitude(rng.normal(0, 1))
        samples += flow * amplitude(self.flow_db + rng.normal(0, 1))
        return Running(samples, turns, np.ones(frames, np.float32), np.empty(0, np.int64))


@lru_cache(maxsize=64)
def _pulsation(pump: Pump, sample_rate_hz: int) -> Samples:
    """Make one turn of vane pulsation and shaft orders as the casing radiates them, RMS 1."""
    highest = int(0.45 * sample_rate_hz / pump.shaft_hz)
    order = np.arange(1, min(highest, MOST_ORDERS) + 1)
    drive = np.where(order % pump.vanes == 0, (order / pump.vanes) ** -pump.pulsation_decay, 0)
    drive += amplitude(pump.shaft_db) * order**-1.0
    drive *= pump.casing.magnitude(order * pump.shaft_hz)
    drive *= np.sqrt(2 / np.sum(drive**2))
    return one_turn(tuple(drive * np.asarray(pump.phases[: len(order)])))
