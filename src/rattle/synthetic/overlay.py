"""Lay faults over an arbitrary recording, to make pseudo-anomalies of a real machine.

The recording says nothing of its shaft or bearings, so these are imagined anew for every call.
What comes out is a stand-in for an anomaly, good for choosing between settings where no labelled
anomaly is at hand; it does not show how well a real fault is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rattle.errors import ClipError
from rattle.synthetic.bearing import Bearing, outer_race
from rattle.synthetic.colour import Samples
from rattle.synthetic.dice import Dice
from rattle.synthetic.faults import Fault, imbalance, leak, looseness, rub
from rattle.synthetic.level import amplitude, rms
from rattle.synthetic.running import Running
from rattle.synthetic.shaft import one_turn, read_around, turns_at
from rattle.synthetic.wander import wander

Float = TypeVar("Float", np.float32, np.float64)

SLOWEST_SHAFT_HZ, FASTEST_SHAFT_HZ = 8.0, 60.0
TONE_ORDERS = (1.0, 0.5, 0.35, 0.2)
LOWEST_TONE_HZ, HIGHEST_TONE_HZ = 90.0, 1500.0


def tone(
    running: Running, bearing: Bearing, sample_rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Make a tonal sound with harmonics whose pitch and strength wander a little, ``[frames]``."""
    del bearing
    frames = len(running.samples)
    pitch_hz = LOWEST_TONE_HZ * (HIGHEST_TONE_HZ / LOWEST_TONE_HZ) ** rng.random()
    below_nyquist = max(1, int(0.48 * sample_rate_hz / pitch_hz))
    turns = turns_at(pitch_hz, frames, sample_rate_hz, rng, deviation=0.002)
    swell = 1 + wander(frames, sample_rate_hz, rng, deviation=0.2, relaxation_s=0.5)
    return read_around(one_turn(TONE_ORDERS[:below_nyquist]), turns) * swell


_FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "hiss": leak,
        "hum": tone,
        "impacts": outer_race,
        "modulation": imbalance,
        "rattle": looseness,
        "rub": rub,
    }
)
FAULT_KINDS = tuple(_FAULTS)


def overlay_fault(
    samples: NDArray[Float],
    *,
    kind: str,
    level_db: float,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> NDArray[Float]:
    """Lay a fault of ``kind`` (one of ``FAULT_KINDS``) over ``samples [frames]``.

    ``level_db`` is the RMS of what is added over the RMS of the recording. A recording of
    nothing but zeros stays as it is. The sum is not clipped. ``ClipError`` for an unknown kind
    or samples that are not one channel.
    """
    if kind not in _FAULTS:
        raise ClipError(f"no fault of kind {kind!r}; choose from {', '.join(FAULT_KINDS)}")
    if samples.ndim != 1 or not len(samples):
        raise ClipError(f"samples have shape {samples.shape}; a fault needs one channel, [frames]")
    running = _imagined(samples, sample_rate_hz, rng)
    bearing = Bearing.draw(Dice(0, rng, rng))
    added = _FAULTS[kind](running, bearing, sample_rate_hz, rng)
    loudness = rms(added)
    gain = rms(samples) * amplitude(level_db) / loudness if loudness else 0.0
    return samples + (gain * added).astype(samples.dtype)


def _imagined(samples: NDArray[Float], sample_rate_hz: int, rng: np.random.Generator) -> Running:
    """Take the recording for the work of a machine with a shaft that turns all the time."""
    frames = len(samples)
    shaft_hz = SLOWEST_SHAFT_HZ * (FASTEST_SHAFT_HZ / SLOWEST_SHAFT_HZ) ** rng.random()
    return Running(
        samples=samples.astype(np.float32) / np.float32(rms(samples) or 1),
        turns=turns_at(shaft_hz, frames, sample_rate_hz, rng),
        speed=np.ones(frames, np.float32),
        knocks=np.empty(0, np.int64),
    )
