"""Make the sound of a solenoid valve: its clicks, and air that flows while it is open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rattle.synthetic.colour import Colour, Peak, Samples, noise
from rattle.synthetic.dice import Dice
from rattle.synthetic.hum import hum
from rattle.synthetic.impacts import Mode, ring, strike
from rattle.synthetic.level import amplitude
from rattle.synthetic.running import Running, Sticking, stroke_starts

COIL_ORDERS = (1.0, 0.5, 0.25, 0.12)
BOUNCE = 0.35  # strength of the plunger's second blow


@dataclass(frozen=True)
class Valve:
    """The fixed parameters of one valve; levels in dB relative to the full flow of air."""

    period_s: float
    open_s: float
    bounce_s: float
    click_db: float
    closing_db: float  # against the opening click
    coil_db: float
    rise_s: float
    fall_s: float
    air: Colour
    opening: tuple[Mode, ...]
    closing: tuple[Mode, ...]

    @classmethod
    def draw(cls, dice: Dice) -> Valve:
        period_s = dice.between(0.5, 1.6)
        return cls(
            period_s=period_s,
            open_s=period_s * dice.between(0.25, 0.5),
            bounce_s=dice.between(0.003, 0.012),
            click_db=dice.decibels(14, 22),
            closing_db=dice.decibels(-8, 2),
            coil_db=dice.decibels(-14, -4),
            rise_s=dice.between(0.006, 0.025),
            fall_s=dice.between(0.02, 0.09),
            air=Colour(
                low_cut_hz=dice.between(400, 1200),
                corner_hz=dice.between(3000, 6000),
                slope_db_per_octave=6,
                peaks=(Peak(dice.between(1500, 5000), 3, dice.decibels(4, 12)),),
            ),
            opening=_modes(dice),
            closing=_modes(dice),
        )

    def run(
        self,
        frames: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        sticking: Sticking | None = None,
    ) -> Running:
        """Run strokes on a timer; a stuck valve opens late or not at all."""
        open_s = self.open_s * (1 + 0.02 * rng.standard_normal())
        starts_s, happens = stroke_starts(
            self.period_s,
            frames / sample_rate_hz,
            rng,
            jitter_s=0.006 * self.period_s,
            slack_s=0.85 * self.period_s - 1.1 * self.open_s,
            sticking=sticking,
        )
        blows = rng.uniform(0.75, 1.1, (len(starts_s), 2))[happens]
        opens = np.rint(starts_s[happens] * sample_rate_hz).astype(np.int64)
        closes = opens + round(open_s * sample_rate_hz)

        lead = 2 * round(self.period_s * sample_rate_hz)  # the valve may be open at the start
        profile = self._openness(open_s, sample_rate_hz)
        openness = strike(frames + lead, opens + lead, np.ones(len(opens)), profile)[lead:]
        samples = noise(self.air, frames, sample_rate_hz, rng) * amplitude(rng.normal(0, 1))
        samples += hum(COIL_ORDERS, frames, sample_rate_hz, rng) * amplitude(self.coil_db)
        samples *= openness
        opening, closing = _clicks(self, sample_rate_hz)
        samples += strike(frames, opens, blows[:, 0], opening)
        samples += strike(frames, closes, blows[:, 1], closing)
        still = np.zeros(frames, dtype=np.float32)
        return Running(samples, still.astype(np.float64), still, np.concatenate([opens, closes]))

    def _openness(self, open_s: float, sample_rate_hz: int) -> Samples:
        """Compute how far the valve is open over a stroke, 0 to 1, until the flow has died away."""
        t = np.arange(int((open_s + 5 * self.fall_s) * sample_rate_hz)) / sample_rate_hz
        opened = 1 - np.exp(-t / self.rise_s)
        closed = np.exp(-np.maximum(t - open_s, 0) / self.fall_s)
        return (opened * closed).astype(np.float32)


@lru_cache(maxsize=64)
def _clicks(valve: Valve, sample_rate_hz: int) -> tuple[Samples, Samples]:
    """Make the opening click, of a plunger that bounces once, and the closing click."""
    strength = amplitude(valve.click_db)
    blow = ring(valve.opening, sample_rate_hz)
    bounce = round(valve.bounce_s * sample_rate_hz)
    opening = np.pad(blow, (0, bounce)) + BOUNCE * np.pad(blow, (bounce, 0))
    closing = ring(valve.closing, sample_rate_hz) * amplitude(valve.closing_db)
    return (strength * opening).astype(np.float32), (strength * closing).astype(np.float32)


def _modes(dice: Dice) -> tuple[Mode, ...]:
    return (
        Mode(dice.between(500, 1100), dice.between(0.004, 0.012), 0.5),
        Mode(dice.between(1600, 3000), dice.between(0.003, 0.007)),
        Mode(dice.between(3500, 6800), dice.between(0.0015, 0.004), 0.8),
    )
