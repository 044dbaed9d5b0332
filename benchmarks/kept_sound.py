"""What keeping normal sound takes: bytes a source and day, and of a core.

    python benchmarks/kept_sound.py [DATA] [--into docs/performance.md]

Of the SYNTHETIC machines of the demo, and of each machine of DATA, real recordings in the DCASE
layout, 10 s at random so many times as a day of running has ten minutes. What the station does with
them is done: speech is looked for, what is left is written as FLAC. A real recording of 10 s is a
piece itself. An ear's part is to count windows and to cut pieces; retention's, to look at 30 days
of pieces once an hour.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from page import between
from rattle.clips.layouts import load_manifest
from rattle.clips.pcm16 import from_16_bit, to_16_bit
from rattle.listening.windows import Window
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import RATE_HZ, RUN_S, MachineSound
from rattle.station.hear.keeping_sound import EVERY_S, PIECE_S, NormalSound
from rattle.station.hear.recordings import Recordings
from rattle.station.records import NormalHeard
from rattle.station.store import kept_sound
from rattle.station.store.sound_files import SoundFiles

A_DAY, KEPT_DAYS = round(86_400 / EVERY_S), 30
RUNS = 4  # of a synthetic machine; making one takes a second
WINDOW_S = 8.192
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Cost:
    """What a source's day takes: pieces dropped for speech, bytes, seconds of a core."""

    what: str
    speech: int
    bytes: int
    busy_s: float

    @property
    def row(self) -> str:
        of_a_core = 100 * self.busy_s / 86_400
        return (
            f"| {self.what} | {self.bytes / 1e6:.1f} | {self.speech} of {A_DAY} "
            f"| {self.busy_s:.1f} | {of_a_core:.4f} |"
        )


def synthetic() -> Iterator[tuple[str, list[Samples]]]:
    """Pieces of each of the demo's machines, at random in some runs of five minutes."""
    for machine in MACHINES:
        sound = MachineSound(machine.specimen, SEED + 2)
        rng = np.random.default_rng(SEED)
        pieces: list[Samples] = []
        for run in range(RUNS):
            heard = sound.between(run * RUN_S, (run + 1) * RUN_S)
            for first_s in rng.uniform(0, RUN_S - PIECE_S, A_DAY // RUNS):
                first = round(first_s * RATE_HZ)
                pieces.append(heard[first : first + round(PIECE_S * RATE_HZ), None])
        yield f"{machine.name} (synthetic)", pieces


def real(data: Path) -> Iterator[tuple[str, list[Samples]]]:
    """Healthy clips of each machine, the first 10 s of each."""
    manifest = load_manifest(data)
    for machine in manifest.machines():
        clips = islice(manifest.of(machine, label="normal"), A_DAY)
        sounds = [soundfile.read(clip.path, dtype="float32", always_2d=True) for clip in clips]
        assert {rate_hz for _, rate_hz in sounds} == {RATE_HZ}
        yield f"{machine} (real)", [sound[: round(PIECE_S * RATE_HZ)] for sound, _ in sounds]


def cost(what: str, sounds: list[Samples]) -> Cost:
    """Keep them as a station does; scaled to a day where there are fewer."""
    with tempfile.TemporaryDirectory() as folder:
        files = SoundFiles(Path(folder), "drop", spare_bytes=0)
        began = time.process_time()
        for number, sound in enumerate(sounds):
            at = BEGAN + timedelta(seconds=EVERY_S * number)
            heard = from_16_bit(to_16_bit(sound))  # as an ear's ring holds it
            files.keep_normal(NormalHeard("S" * 26, at, RATE_HZ, heard))
        busy_s = time.process_time() - began
        kept = kept_sound.amount(Path(folder))
    of = A_DAY / len(sounds)
    return Cost(what, round(files.speech_normal * of), round(kept.bytes * of), busy_s * of)


def counted_s() -> float:
    """Seconds of a core for which an ear counts the windows of a day, one a second."""

    class Place:
        rate_hz, channels, window_s = RATE_HZ, 1, WINDOW_S

        def time(self, at_s: float) -> float:
            return BEGAN.timestamp() + at_s

    place: Any = Place()
    told: list[Any] = []
    recordings = Recordings("mic", place, told.append)
    recordings.push(np.zeros((90 * RATE_HZ, 1), np.float32))
    normal = NormalSound("mic", told.append, lambda _score: True)
    z = np.zeros(128, np.float32)
    began = time.process_time()
    for second in range(86_400):
        normal.window(Window(second, second + WINDOW_S, z, ""), 1.0, place, recordings)
    busy_s = time.process_time() - began
    assert len(told) in (A_DAY - 1, A_DAY)
    return busy_s


def looked_s() -> float:
    """Seconds of a core a day for which retention looks at what is kept of a source."""
    piece = np.zeros((10, 1), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(KEPT_DAYS * A_DAY):
            at = BEGAN + timedelta(seconds=EVERY_S * number)
            kept_sound.keep(Path(folder), NormalHeard("S" * 26, at, RATE_HZ, piece))
        began = time.process_time()
        for _ in range(24):
            kept_sound.remove_before(Path(folder), BEGAN)
            assert kept_sound.amount(Path(folder)).pieces == KEPT_DAYS * A_DAY
        return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    lines = [
        "| source that runs all day | MB a day | dropped for speech | seconds of a core a day "
        "| % of a core |",
        "|---|---:|---:|---:|---:|",
    ]
    for sounds in (synthetic(), real(chosen.data) if chosen.data else ()):
        for what, pieces in sounds:
            lines.append(cost(what, pieces).row)
            print(lines[-1], flush=True)
    for whose, busy_s in (("an ear's part", counted_s()), ("retention's part", looked_s())):
        of_a_core = 100 * busy_s / 86_400
        lines.append(f"| {whose}, of each | | | {busy_s:.1f} | {of_a_core:.4f} |")
    text = "\n".join(lines)
    print(text)
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(between(page, "kept sound", text), encoding="utf-8")


if __name__ == "__main__":
    main()
