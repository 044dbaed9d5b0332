"""Draw a synthetic machine of a type and an id, and make recordings of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import numpy as np

from rattle.errors import DataError
from rattle.synthetic.bearing import Bearing
from rattle.synthetic.colour import Samples
from rattle.synthetic.dice import Dice
from rattle.synthetic.fan import Fan
from rattle.synthetic.faults import STUCK, added_by
from rattle.synthetic.hall import background
from rattle.synthetic.level import amplitude, rms
from rattle.synthetic.pump import Pump
from rattle.synthetic.room import Room, heard_in
from rattle.synthetic.running import Running, Sticking
from rattle.synthetic.slider import Slider
from rattle.synthetic.valve import Valve

FAULTS_OF_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "synth_fan": ("imbalance", "bearing_outer", "bearing_inner", "looseness", "rub"),
        "synth_pump": ("imbalance", "bearing_outer", "bearing_inner", "leak", "looseness", "rub"),
        "synth_slider": ("bearing_outer", "bearing_inner", "looseness", "rub", STUCK),
        "synth_valve": ("leak", "looseness", STUCK),
    }
)
LEVEL_DBFS = -26.0  # of machine and hall together
GAIN_SPREAD_DB = 1.0  # of the microphone's place, from clip to clip
CALIBRATION_S = 3.0
CALIBRATIONS = 6


class Works(Protocol):
    """A machine that can be run and, where it has strokes, stick."""

    @classmethod
    def draw(cls, dice: Dice) -> Works: ...

    def run(
        self,
        frames: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        sticking: Sticking | None = None,
    ) -> Running: ...


MACHINE_TYPES: Mapping[str, type[Works]] = MappingProxyType(
    {"synth_fan": Fan, "synth_pump": Pump, "synth_slider": Slider, "synth_valve": Valve}
)


@dataclass(frozen=True)
class Specimen:
    """One machine with all that is fixed about it. The same type, index and seed give the same."""

    type: str
    machine: Works
    bearing: Bearing
    room: Room
    hall_seed: int

    @classmethod
    def of(cls, type_: str, index: int, *, seed: int = 0) -> Specimen:
        """Draw machine ``index`` of a type of ``MACHINE_TYPES``; ``DataError`` for another."""
        if type_ not in MACHINE_TYPES:
            raise DataError(
                f"{type_!r} is not a synthetic machine type; choose from {', '.join(MACHINE_TYPES)}"
            )
        dice = Dice.for_machine(seed, type_, index)
        machine = MACHINE_TYPES[type_].draw(dice)
        return cls(type_, machine, Bearing.draw(dice), Room.draw(dice), seed)

    def run(
        self,
        *,
        seconds: float,
        sample_rate_hz: int,
        rng: np.random.Generator,
        fault: str | None = None,
        severity: float = 0.0,
    ) -> Samples:
        """Run it alone in its room, ``[seconds * sample_rate_hz]``; RMS about 1 if healthy.

        Work and fault draw from generators of their own, so severity 0 gives the very sound of
        the healthy machine. ``DataError`` if the fault is none of its type's or the severity is
        outside [0, 1].
        """
        self._check(fault, severity)
        work_rng, fault_rng = rng.spawn(2)
        frames = round(seconds * sample_rate_hz)
        near, far = _calibration(self, sample_rate_hz)
        sticking = Sticking(severity, fault_rng) if fault == STUCK else None
        running = self.machine.run(frames, sample_rate_hz, work_rng, sticking)
        running = replace(running, samples=running.samples * near)
        sound = running.samples
        if fault is not None and fault != STUCK:
            sound = sound + added_by(
                fault,
                running,
                self.bearing,
                severity=severity,
                sample_rate_hz=sample_rate_hz,
                rng=fault_rng,
            )
        return heard_in(self.room, sound, sample_rate_hz) * far

    def record(
        self,
        *,
        seconds: float,
        sample_rate_hz: int,
        snr_db: float,
        rng: np.random.Generator,
        fault: str | None = None,
        severity: float = 0.0,
    ) -> Samples:
        """Record the machine in its hall, ``[seconds * sample_rate_hz]`` within +-1.

        ``snr_db`` is the level of the healthy machine over the hall; a fault makes the machine
        louder, never the hall softer. Errors as in ``run``.
        """
        machine_rng, hall_rng, gain_rng = rng.spawn(3)
        sound = self.run(
            seconds=seconds,
            sample_rate_hz=sample_rate_hz,
            rng=machine_rng,
            fault=fault,
            severity=severity,
        )
        hall = background(len(sound), sample_rate_hz, hall_rng, seed=self.hall_seed)
        sound += hall * np.float32(amplitude(-snr_db))
        level_db = LEVEL_DBFS - 10 * np.log10(1 + 10 ** (-snr_db / 10))
        sound *= np.float32(amplitude(level_db + gain_rng.normal(0, GAIN_SPREAD_DB)))
        return np.clip(sound, -1, 1)

    def _check(self, fault: str | None, severity: float) -> None:
        if fault is not None and fault not in FAULTS_OF_TYPE[self.type]:
            raise DataError(
                f"a {self.type} has no fault {fault!r}; "
                f"choose from {', '.join(FAULTS_OF_TYPE[self.type])}"
            )
        if not 0 <= severity <= 1:
            raise DataError(f"severity is {severity}; give a value from 0 (healthy) to 1")


@lru_cache(maxsize=256)
def _calibration(specimen: Specimen, sample_rate_hz: int) -> tuple[np.float32, np.float32]:
    """Compute the gains that bring the healthy machine to RMS 1, before its room and behind it.

    Over several runs: how well a room carries a tone hangs on the very speed of the day.
    """
    frames = round(CALIBRATION_S * sample_rate_hz)
    rng = np.random.default_rng(0)
    near = [specimen.machine.run(frames, sample_rate_hz, rng).samples for _ in range(CALIBRATIONS)]
    near_gain = 1 / np.mean([rms(sound) for sound in near])
    far = [heard_in(specimen.room, sound, sample_rate_hz) for sound in near]
    far_gain = 1 / (near_gain * np.mean([rms(sound) for sound in far]))
    return np.float32(near_gain), np.float32(far_gain)
