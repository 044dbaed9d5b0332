"""Sound for the checks of a new machine, and what is measured of it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rattle.clips.fitness import Fitness
from rattle.recipe.parts import Audio
from rattle.station.config.model import Machine
from rattle.station.enrol.piece import Piece, Samples, measured

RATE_HZ = 16_000
BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
PIECE_S = 10.0


def machine(**fields: object) -> Machine:
    """A new machine as its table says."""
    table = {"name": "press", "bundle": "p.rattle", "sources": [{"name": "mic", "device": ""}]}
    return Machine.model_validate({**table, **fields})


def noise(seconds: float, level_dbfs: float = -30.0, seed: int = 0) -> Samples:
    """Hiss, as a machine at rest in no state of its own."""
    amplitude = 10 ** (level_dbfs / 20)
    count = round(seconds * RATE_HZ)
    return np.random.default_rng(seed).normal(0, amplitude, count).astype(np.float32)


def tones(seconds: float, mains_hz: float, level: float = 0.05) -> Samples:
    """Lines at the mains and its odd multiples."""
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    lines = (level * np.sin(2 * np.pi * mains_hz * k * at_s) for k in (1, 3, 5, 7))
    return np.sum([*lines], axis=0).astype(np.float32)


def pieces_of(sound: Samples, rate_hz: int = RATE_HZ, begin: datetime = BEGIN) -> list[Piece]:
    """Measure sound ten seconds by ten; each has a file."""
    length = round(PIECE_S * rate_hz)
    judge = Fitness(rate_hz)
    found = []
    for number in range(len(sound) // length):
        samples = sound[number * length : (number + 1) * length, None]
        judge.push(samples)
        fault = judge.fault(number * PIECE_S, (number + 1) * PIECE_S)
        at = begin + timedelta(seconds=number * PIECE_S)
        piece = measured(samples, rate_hz, at, fault, Audio())
        found.append(Piece(**{**vars(piece), "file": f"{number}.flac"}))
    return found


def spoken(folder: Path) -> Samples:
    """Someone who speaks for some seconds, or a skip."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng: apt install espeak-ng")
    path = folder / "spoken.wav"
    text = "The bearing of the second pump has been changed this morning by the night shift."
    subprocess.run(["espeak-ng", "-w", path, text], check=True)
    samples, rate_hz = soundfile.read(path, dtype="float32")
    at = np.arange(0, len(samples), rate_hz / RATE_HZ)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
