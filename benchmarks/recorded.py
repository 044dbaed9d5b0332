r"""Counts how often a clip that was recorded otherwise has a remark, and one that was not.

    python benchmarks/recorded.py DATA --into docs/explanation/unfit.md

DATA holds recordings in the DCASE layout. Of each machine its training normals are what a bundle
would know; test clips are looked at as they are, and ten healthy ones as ffmpeg converts them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from page import between
from rattle import Recipe
from rattle.clips.hearing import hear
from rattle.clips.layouts import load_manifest
from rattle.clips.recorder import Recorder
from rattle.recipe.parts import Audio

CONVERTED = 10  # healthy test clips of a machine


@dataclass(frozen=True)
class Way:
    """A way to record otherwise: ffmpeg's words for it, the file's ending, and whether what comes
    out is written as WAV at 16 kHz again."""

    title: str
    words: Sequence[str] = ()
    ending: str = "wav"
    again: bool = False


WAYS = (
    Way("at 8 kHz", ("-ar", "8000")),
    Way("at 8 kHz, and brought back to 16 kHz", ("-ar", "8000"), again=True),
    Way("at 11.025 kHz", ("-ar", "11025")),
    Way("at 48 kHz", ("-ar", "48000")),
    Way("MP3 of 64 kbit/s", ("-b:a", "64k"), "mp3"),
    Way("MP3 of 32 kbit/s", ("-b:a", "32k"), "mp3"),
    Way("MP3 of 64 kbit/s, as WAV again", ("-b:a", "64k"), "mp3", again=True),
    Way("Opus of 24 kbit/s", ("-c:a", "libopus", "-b:a", "24k"), "ogg"),
    Way("AAC of 32 kbit/s, as WAV again", ("-c:a", "aac", "-b:a", "32k"), "adts", again=True),
    Way("A-law", ("-c:a", "pcm_alaw")),
    Way("A-law, as WAV again", ("-c:a", "pcm_alaw"), again=True),
    Way("mu-law", ("-c:a", "pcm_mulaw")),
    Way("20 dB softer", ("-af", "volume=-20dB")),
    Way("12 dB softer", ("-af", "volume=-12dB")),
    Way("20 dB louder", ("-af", "volume=20dB")),
    Way("as FLAC", (), "flac"),
    Way("with 24 bits", ("-c:a", "pcm_s24le")),
)


def converted(path: Path, way: Way, folder: Path) -> Path:
    """The clip as that way would have recorded it."""
    out = folder / f"converted.{way.ending}"
    _ffmpeg(path, *way.words, out)
    if not way.again:
        return out
    again = folder / "again.wav"
    _ffmpeg(out, "-ar", "16000", "-c:a", "pcm_s16le", again)
    return again


def _ffmpeg(source: Path, *words: str | Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, *words]
    subprocess.run(command, check=True)


class Counts:
    """Clips of a kind: how many were fit to be judged, and how many of those have a remark."""

    def __init__(self) -> None:
        self.remarked: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def look(self, kind: str, recorder: Recorder, path: Path, audio: Audio) -> None:
        heard = hear(path, audio)
        if heard.fault:
            self.refused[kind] += 1
            return
        self.judged[kind] += 1
        self.remarked[kind] += bool(recorder.otherwise(heard.traits))

    def table(self, kinds: Iterable[str]) -> str:
        lines = ["| clips | with a remark | refused |", "|---|---:|---:|"]
        for kind in kinds:
            remarked, judged = self.remarked[kind], self.judged[kind]
            lines.append(f"| {kind} | {remarked} of {judged} | {self.refused[kind] or ''} |")
        return "\n".join(lines)


def measure(data: Path, folder: Path) -> str:
    clips, audio, counts = load_manifest(data), Recipe.load("fleet").audio, Counts()
    for machine in clips.machines():
        of = clips.of(machine)
        normals = [Path(path) for path in of.of(split="train", label="normal").table["path"]]
        recorder = Recorder.of((hear(path, audio).traits for path in normals), audio.sample_rate_hz)
        if recorder is None:
            continue
        for path in normals:
            counts.look("training clips", recorder, path, audio)
        healthy = [Path(path) for path in of.of(split="test", label="normal").table["path"]]
        faulty = [Path(path) for path in of.of(split="test", label="anomaly").table["path"]]
        for path in healthy:
            counts.look("healthy test clips", recorder, path, audio)
        for path in faulty:
            counts.look("anomalous test clips", recorder, path, audio)
        for way in WAYS:
            for path in healthy[:CONVERTED]:
                counts.look(way.title, recorder, converted(path, way, folder), audio)
        print(f"{machine} done", flush=True)
    kinds = [
        "training clips",
        "healthy test clips",
        "anomalous test clips",
        *(way.title for way in WAYS),
    ]
    return counts.table(kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--into", type=Path, help="a page with the markers")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = measure(chosen.data, Path(folder))
    print(table)
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(between(page, "recorded", table), encoding="utf-8")


if __name__ == "__main__":
    main()
