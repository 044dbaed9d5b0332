r"""Counts how often nearly the same sound is told as such, and how often other sound is.

    python benchmarks/near_copies.py DATA --into docs/explanation/same.md

DATA holds recordings in the DCASE layout. Every clip is compared with every other one; then some
clips of each machine with themselves, as ffmpeg changes them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from page import between
from rattle import Manifest, Recipe
from rattle.clips.content import content_hash
from rattle.clips.fingerprint import agreeing, instants_of, near_pairs
from rattle.clips.layouts import load_manifest
from rattle.clips.reading import read_clip

CHANGED = 3  # clips of a machine
RATE_HZ = Recipe.load("fleet").audio.sample_rate_hz
WAYS = {
    "as WAV of 24 bits": ("wav", "-c:a", "pcm_s24le"),
    "6 dB louder": ("wav", "-af", "volume=6dB"),
    "20 dB softer": ("wav", "-af", "volume=-20dB"),
    "at 44.1 kHz": ("wav", "-ar", "44100"),
    "at 8 kHz": ("wav", "-ar", "8000"),
    "37 ms of silence before": ("wav", "-af", "adelay=37"),
    "the first second cut off": ("wav", "-ss", "1"),
    "the second half cut off": ("wav", "-t", "5"),
    "nothing above 4 kHz": ("wav", "-af", "lowpass=4000"),
    "nothing below 100 Hz": ("wav", "-af", "highpass=100"),
    "mu-law": ("wav", "-c:a", "pcm_mulaw"),
    "8 bits": ("wav", "-c:a", "pcm_u8"),
    "MP3 of 64 kbit/s": ("mp3", "-b:a", "64k"),
    "MP3 of 32 kbit/s": ("mp3", "-b:a", "32k"),
    "Opus of 24 kbit/s": ("opus", "-b:a", "24k"),
    "2 % faster": ("wav", "-af", "asetrate=16320,aresample=16000"),
    "backwards": ("wav", "-af", "areverse"),
}


def heard(path: Path) -> tuple[int, ...]:
    return instants_of(read_clip(path, sample_rate_hz=RATE_HZ), RATE_HZ)


def share(one: Sequence[int], other: Sequence[int]) -> float:
    return agreeing(np.array(one), np.array(other)) / min(len(one), len(other))


def of_all_pairs(clips: Manifest) -> str:
    """Compare all clips with each other."""
    every = list(clips)
    instants = [heard(Path(clip.path)) for clip in every]
    found = list(near_pairs(instants))
    is_found = {near[:2] for near in found}
    lines = ["| pairs of clips | pairs | nearly the same | most peaks that agree in the others |"]
    lines.append("|---|---:|---:|---:|")
    for title, is_one in (("of one machine", True), ("of two machines", False)):
        pairs = [
            pair
            for pair in combinations(range(len(every)), 2)
            if (every[pair[0]].machine == every[pair[1]].machine) is is_one
        ]
        most = max(share(instants[a], instants[b]) for a, b in pairs if (a, b) not in is_found)
        near = len(is_found & {*pairs})
        lines.append(f"| {title} | {len(pairs)} | {near} | {most:.0%} |")
    lines.append("")
    names = [Path(clip.path).name for clip in every]
    lines += [f"- {names[a]} and {names[b]} of {every[a].machine}: {of:.0%}" for a, b, of in found]
    return "\n".join(lines)


def of_changed(clips: Manifest, folder: Path) -> str:
    """Compare some clips with themselves as they are changed."""
    some = [Path(path) for m in clips.machines() for path in clips.of(m).table["path"][:CHANGED]]
    lines = ["| the clip again | the same | nearly the same | peaks that agree, least and median |"]
    lines.append("|---|---:|---:|---:|")
    for title, (ending, *words) in WAYS.items():
        same, near, shares = 0, 0, []
        for path in some:
            changed = folder / f"changed.{ending}"
            command = ["ffmpeg", "-v", "error", "-y", "-i", path, *words, changed]
            subprocess.run(command, check=True)
            pair = heard(path), heard(changed)
            same += content_hash(path) == content_hash(changed)
            near += len(list(near_pairs(pair)))
            shares.append(share(*pair))
        agree = f"{min(shares):.0%}, {np.median(shares):.0%}"
        lines.append(f"| {title} | {same} of {len(some)} | {near} of {len(some)} | {agree} |")
        print(title, flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--into", type=Path, help="a page with the markers")
    chosen = parser.parse_args()
    clips = load_manifest(chosen.data)
    with tempfile.TemporaryDirectory() as folder:
        changed = of_changed(clips, Path(folder))
    pairs = of_all_pairs(clips)
    print(pairs, changed, sep="\n\n")
    if chosen.into:
        page = between(chosen.into.read_text(encoding="utf-8"), "pairs", pairs)
        chosen.into.write_text(between(page, "changed", changed), encoding="utf-8")


if __name__ == "__main__":
    main()
