"""Make the sound of a linear slider: a screw drives a carriage out and back between two end stops.

    speed   /‾‾‾‾\\          /‾‾‾‾\\
       ____/      \\________/      \\________ time
           out    |  dwell  back  |  rest
                 thud            thud
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic.colour import Colour, Peak, Samples, noise
from rattle.synthetic.dice import Dice
from rattle.synthetic.impacts import Mode, ring, strike
from rattle.synthetic.level import amplitude
from rattle.synthetic.running import Running, Sticking, stroke_starts
from rattle.synthetic.shaft import one_turn, read_around

WHINE_ORDERS = (1.0, 0.5, 0.3, 0.12)
FASTEST = 1.05  # of the nominal speed: bounds the whine's highest harmonic
SPEED_STEPS = 256


@dataclass(frozen=True)
class Slider:
    """The fixed parameters of one slider; levels in dB relative to its friction at full speed."""

    period_s: float
    travel_s: float
    ramp_s: float
    dwell_s: float
    screw_hz: float
    steps_per_turn: int
    whine_db: float
    thud_db: float
    back_db: float  # the way back against the way out: the screw pulls instead of pushing
    friction: Colour
    frame: Colour
    stop: tuple[Mode, ...]

    @classmethod
    def draw(cls, dice: Dice) -> Slider:
        period_s = dice.between(1.1, 2.6)
        travel_s = period_s * dice.between(0.26, 0.34)
        return cls(
            period_s=period_s,
            travel_s=travel_s,
            ramp_s=travel_s * dice.between(0.12, 0.3),
            dwell_s=period_s * dice.between(0.04, 0.12),
            screw_hz=dice.between(9, 22),
            steps_per_turn=dice.one_of(50, 72, 100),
            whine_db=dice.decibels(-8, 3),
            thud_db=dice.decibels(8, 16),
            back_db=dice.decibels(-4, 4),
            friction=Colour(
                low_cut_hz=dice.between(150, 400),
                corner_hz=dice.between(900, 2600),
                slope_db_per_octave=dice.decibels(5, 8),
                peaks=(
                    Peak(dice.between(500, 1200), 5, dice.decibels(4, 12)),
                    Peak(dice.between(2200, 5500), 6, dice.decibels(6, 14)),
                ),
            ),
            frame=Colour(60, 4000, 6, (Peak(dice.between(400, 1600), 6, dice.decibels(8, 14)),)),
            stop=(
                Mode(dice.between(70, 180), 0.03),
                Mode(dice.between(350, 900), 0.012, 0.6),
                Mode(dice.between(1500, 3500), 0.006, 0.5),
            ),
        )

    def run(
        self,
        frames: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        sticking: Sticking | None = None,
    ) -> Running:
        """Run strokes on a timer; a stuck carriage starts late or stays where it is."""
        pace = float(np.clip(1 + 0.015 * rng.standard_normal(), 0.95, FASTEST))
        profile, thuds = self._cycle(pace, sample_rate_hz)
        starts_s, happens = stroke_starts(
            self.period_s,
            frames / sample_rate_hz,
            rng,
            jitter_s=0.01 * self.period_s,
            slack_s=0.95 * self.period_s - len(profile) / sample_rate_hz,
            sticking=sticking,
        )
        blows = rng.uniform(0.7, 1.1, (len(starts_s), 2))[happens]
        starts = np.rint(starts_s[happens] * sample_rate_hz).astype(np.int64)
        lead = 2 * round(self.period_s * sample_rate_hz)  # a stroke may be under way at the start
        velocity = strike(frames + lead, starts + lead, np.ones(len(starts)), profile)[lead:]
        speed = np.abs(velocity)
        turns = np.cumsum(speed, dtype=np.float64) * (self.screw_hz / sample_rate_hz)
        knocks = (starts[:, None] + thuds).ravel()

        samples = noise(self.friction, frames, sample_rate_hz, rng)
        samples *= speed * np.where(velocity < 0, np.float32(amplitude(self.back_db)), 1)
        samples *= amplitude(rng.normal(0, 1))
        step = (speed * ((SPEED_STEPS - 1) / FASTEST)).astype(np.int64)
        whine = read_around(_whine(self, sample_rate_hz), turns * self.steps_per_turn)
        whine *= np.take(_resonance(self), step)
        samples += whine * amplitude(self.whine_db + rng.normal(0, 1))
        thud = ring(self.stop, sample_rate_hz) * np.float32(amplitude(self.thud_db))
        samples += strike(frames, knocks, blows.ravel(), thud)
        return Running(samples, turns, speed, knocks)

    def _cycle(self, pace: float, sample_rate_hz: int) -> tuple[Samples, NDArray[np.int64]]:
        """Compute the velocity over a cycle, 1 at nominal speed, and where its two thuds are."""
        travel, ramp = self.travel_s / pace, self.ramp_s / pace
        back = travel + self.dwell_s
        corners = [0, ramp, travel - ramp, travel, back, back + ramp, back + travel - ramp]
        corners.append(back + travel)
        values = [0, pace, pace, 0, 0, -pace, -pace, 0]
        t = np.arange(int((back + travel) * sample_rate_hz)) / sample_rate_hz
        thuds = np.rint(np.array([travel, back + travel]) * sample_rate_hz).astype(np.int64)
        return np.interp(t, corners, values).astype(np.float32), thuds


@lru_cache(maxsize=64)
def _whine(slider: Slider, sample_rate_hz: int) -> Samples:
    """Make the sound of one motor step; its highest harmonic stays below Nyquist at full speed."""
    fastest_hz = slider.screw_hz * slider.steps_per_turn * FASTEST
    highest = max(1, int(0.48 * sample_rate_hz / fastest_hz))
    return one_turn(WHINE_ORDERS[:highest])


@lru_cache(maxsize=64)
def _resonance(slider: Slider) -> Samples:
    """Compute how the frame answers the whine, over the speed in ``SPEED_STEPS`` steps."""
    speed = np.linspace(0, FASTEST, SPEED_STEPS)
    answer = slider.frame.magnitude(speed * slider.screw_hz * slider.steps_per_turn)
    return answer / np.float32(np.sqrt(np.mean(answer**2)))
