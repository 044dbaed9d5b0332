"""Run a SYNTHETIC machine for as long as anyone listens, with faults when they are due.

A run is five minutes at a speed of its own, as a machine that is switched off and on again; between
two of them the sound fades for half a second. The same seed gives the same sound. A fault comes in
over two seconds, on the very sound that the healthy machine makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rattle.synthetic import Specimen

RATE_HZ = 16_000
SNR_DB = 6.0
RUN_S = 300
FADE_S = 0.5
ONSET_S = 2.0

Samples = NDArray[np.float32]

# Making a run takes 200 MB for a moment: those of several machines are made one after another.
_MAKING = Lock()


@dataclass(frozen=True)
class Fault:
    """A fault of the machine between two times, in seconds of its sound."""

    kind: str
    severity: float
    start_s: float
    end_s: float


class MachineSound:
    """The sound of one machine from second 0 on, at 16 kHz.

    Making a run takes a second: ``prepare`` makes one beforehand, in another thread where need be.
    Two are kept at most.
    """

    def __init__(self, specimen: Specimen, seed: int, faults: Sequence[Fault] = ()) -> None:
        self._specimen, self._seed, self._faults = specimen, seed, faults
        self._runs: dict[int, Samples] = {}
        self._lock = Lock()

    def between(self, start_s: float, end_s: float) -> Samples:
        """Give the sound between two times, whole samples ``[T]``."""
        first, end = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
        pieces = []
        while first < end:
            number, within = divmod(first, RUN_S * RATE_HZ)
            piece = self.prepare(number)[within : within + end - first]
            pieces.append(piece)
            first += len(piece)
        return np.concatenate(pieces) if pieces else np.empty(0, np.float32)

    def prepare(self, number: int) -> Samples:
        """Make a run, or give it where it was made; those before the last one are forgotten."""
        run = self._runs.get(number)
        if run is None:
            with _MAKING:  # not under the other lock: who plays the run before goes on
                run = self._runs.get(number)
                run = self._made(number) if run is None else run
            with self._lock:
                kept = {n: other for n, other in self._runs.items() if n == number - 1}
                self._runs = {**kept, number: run}
        return run

    def _made(self, number: int) -> Samples:
        healthy = self._recorded(number)
        for fault in self._faults:
            if fault.start_s < (number + 1) * RUN_S and number * RUN_S < fault.end_s:
                faulty = self._recorded(number, fault)
                healthy += _weight(fault, number) * (faulty - healthy)
        fade = np.minimum(np.arange(1, len(healthy) + 1) / (FADE_S * RATE_HZ), 1).astype(np.float32)
        return healthy * fade * fade[::-1]

    def _recorded(self, number: int, fault: Fault | None = None) -> Samples:
        return self._specimen.record(
            seconds=RUN_S,
            sample_rate_hz=RATE_HZ,
            snr_db=SNR_DB,
            fault=None if fault is None else fault.kind,
            severity=0.0 if fault is None else fault.severity,
            rng=np.random.default_rng([self._seed, number]),
        )


def _weight(fault: Fault, number: int) -> Samples:
    """How much of the fault is heard at each sample of a run, 0 to 1."""
    at_s = number * RUN_S + np.arange(RUN_S * RATE_HZ) / RATE_HZ
    rise = np.clip((at_s - fault.start_s) / ONSET_S, 0, 1)
    fall = np.clip((fault.end_s - at_s) / ONSET_S, 0, 1)
    weight: Samples = np.minimum(rise, fall).astype(np.float32)
    return weight
