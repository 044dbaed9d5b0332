"""Run a SYNTHETIC machine for as long as anyone listens, with faults when they are due.

A run is five minutes at a speed of its own, as a machine that is switched off and on again; between
two of them the sound fades for half a second. The same seed gives the same sound. A fault comes in
over two seconds, on the very sound that the healthy machine makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic import Specimen

RATE_HZ = 16_000
SNR_DB = 6.0
RUN_S = 300
FADE_S = 0.5
ONSET_S = 2.0

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Fault:
    """A fault of the machine between two times, in seconds of its sound."""

    kind: str
    severity: float
    start_s: float
    end_s: float


@dataclass
class MachineSound:
    """The sound of one machine from second 0 on, at 16 kHz; kept one run at a time."""

    specimen: Specimen
    seed: int
    faults: Sequence[Fault] = ()
    _number: int = field(default=-1, init=False)
    _run: Samples = field(default_factory=lambda: np.empty(0, np.float32), init=False)

    def between(self, start_s: float, end_s: float) -> Samples:
        """Give the sound between two times, whole samples ``[T]``."""
        first, end = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
        pieces = []
        while first < end:
            number, within = divmod(first, RUN_S * RATE_HZ)
            if number != self._number:
                self._number, self._run = number, self._made(number)
            piece = self._run[within : within + end - first]
            pieces.append(piece)
            first += len(piece)
        return np.concatenate(pieces) if pieces else np.empty(0, np.float32)

    def _made(self, number: int) -> Samples:
        healthy = self._recorded(number)
        for fault in self.faults:
            weight = self._weight(fault, number)
            if weight.any():
                faulty = self._recorded(number, fault)
                healthy += weight * (faulty - healthy)
        fade = np.minimum(np.arange(1, len(healthy) + 1) / (FADE_S * RATE_HZ), 1).astype(np.float32)
        return healthy * fade * fade[::-1]

    def _recorded(self, number: int, fault: Fault | None = None) -> Samples:
        return self.specimen.record(
            seconds=RUN_S,
            sample_rate_hz=RATE_HZ,
            snr_db=SNR_DB,
            fault=None if fault is None else fault.kind,
            severity=0.0 if fault is None else fault.severity,
            rng=np.random.default_rng([self.seed, number]),
        )

    def _weight(self, fault: Fault, number: int) -> Samples:
        """How much of the fault is heard at each sample of a run, 0 to 1."""
        at_s = number * RUN_S + np.arange(RUN_S * RATE_HZ) / RATE_HZ
        rise = np.clip((at_s - fault.start_s) / ONSET_S, 0, 1)
        fall = np.clip((fault.end_s - at_s) / ONSET_S, 0, 1)
        weight: Samples = np.minimum(rise, fall).astype(np.float32)
        return weight
