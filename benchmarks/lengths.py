r"""Measures what the length of a recording does: long ones to train on, short ones to judge.

    python benchmarks/lengths.py run DATA --results benchmarks/results/lengths.jsonl
    python benchmarks/lengths.py table --results benchmarks/results/lengths.jsonl \
        --into docs/explanation/lengths.md

DATA holds slider/id_00, slider/id_02 and other machines in the DCASE layout. The two are trained
at once by the recipe fleet, seed 0: on their clips as files, and on the same clips one after
another in a recording each.

    cut      AUC, false alarms and misses of slider/id_00 on the same test clips
    among    the same, with slider/id_00 alone in one recording and all other machines as they are
    short    its test clips cut to fewer seconds, by the detector trained on files: how many scores
             are above the threshold, whether the clip would be judged or not
    memory   peak resident memory of a process that scores noise of 48 kHz, two channels
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from hearing import trained
from page import between
from rattle import Detector, Manifest, Recipe
from rattle.clips.layouts import load_manifest
from rattle.clips.machine import Machine
from rattle.clips.reading import read_clip
from rattle.evaluation.metrics import auc
from rows import Row, note, noted

SLIDERS = (Machine("slider", "id_00"), Machine("slider", "id_02"))
# What a recording of the first one is called.
RECORDED = Machine("slider_id_00", "")
SECONDS = (1, 2, 3, 5, 6, 7, 8, 9, 10)
MOST = 60  # test clips of a class that are cut short
MINUTES = (1, 10, 60)
RATE_HZ = 16_000
WHATS = ("cut", "among", "short", "memory")


def fleet(clips: Manifest, seed: int) -> Detector:
    """The detector of the first slider, trained beside all other machines."""
    first = next(machine for machine in clips.machines() if machine in (SLIDERS[0], RECORDED))
    (detector,) = trained(clips, [first], Recipe.load("fleet"), seed, cross_fit=True)
    return detector


def as_files(clips: Manifest) -> Manifest:
    return Manifest.from_clips(clip for machine in SLIDERS for clip in clips.of(machine))


def as_recordings(clips: Manifest, folder: Path, machines: Sequence[Machine]) -> Manifest:
    """The training clips of each one after another in one file."""
    for machine in machines:
        normals = clips.of(machine, split="train", label="normal")
        (folder / machine.slug / "normal").mkdir(parents=True)
        sound = np.concatenate([read_clip(Path(clip.path)) for clip in normals])
        sf.write(folder / machine.slug / "normal" / "recording.flac", sound, RATE_HZ)
    return load_manifest(folder)


def cut_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        recordings = as_recordings(clips, Path(folder), SLIDERS)
        material = {"files": as_files(clips), "one recording": recordings}
        yield from judged(material, seed, clips, "cut")


def among_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        recording = as_recordings(clips, Path(folder), SLIDERS[:1])
        others = clips.without(SLIDERS[0])
        both = Manifest.from_clips([*recording, *others])
        yield from judged({"files": clips, "one recording": both}, seed, clips, "among")


def judged(
    material: Mapping[str, Manifest], seed: int, clips: Manifest, what: str
) -> Iterator[Row]:
    tests = clips.of(SLIDERS[0], split="test")
    for name, of in material.items():
        detector = fleet(of, seed)
        normal, anomaly = (
            np.array([c.score for c in detector.score(list(tests.of(label=label)))])
            for label in ("normal", "anomaly")
        )
        above = detector.threshold.value
        yield {
            "what": what,
            "seed": seed,
            "trained on": name,
            "auc": round(auc(normal, anomaly), 4),
            "false alarms": int((normal > above).sum()),
            "normals": len(normal),
            "misses": int((anomaly <= above).sum()),
            "anomalies": len(anomaly),
        }


def short_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    detector, tests = fleet(as_files(clips), seed), clips.of(SLIDERS[0], split="test")
    sounds = {
        label: [read_clip(Path(clip.path)) for clip in list(tests.of(label=label))[:MOST]]
        for label in ("normal", "anomaly")
    }
    for seconds in SECONDS:
        row: Row = {"what": "short", "seed": seed, "seconds": seconds}
        for label, of in sounds.items():
            scored = detector.score([sound[: seconds * RATE_HZ] for sound in of])
            row[label] = sum(clip.score > clip.threshold for clip in scored)
            row[f"{label} clips"] = len(scored)
            row["judged"] = all(clip.anomalous is not None for clip in scored)
        yield row


def memory_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "slider.rattle"
        (detector,) = trained(as_files(clips), SLIDERS[:1], Recipe.load("fleet"), seed)
        detector.save(bundle)
        for minutes in MINUTES:
            file = Path(folder) / "noise.wav"
            with sf.SoundFile(file, "w", 48_000, 2, "PCM_16") as out:
                for _ in range(minutes):
                    out.write(rng.normal(0, 0.1, (60 * 48_000, 2)))
            # What getrusage tells a child is at least what its parent had when it began it.
            code = (
                "import rattle; "
                f"rattle.Detector.load({str(bundle)!r}, device='cpu').score([{str(file)!r}]); "
                "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
            )
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            yield {
                "what": "memory",
                "seed": seed,
                "minutes": minutes,
                "MB": int(done.stdout) // 1024,
            }


def cut_table(rows: Sequence[Row]) -> str:
    lines = ["| trained on | AUC | false alarms | misses |", "|---|---:|---:|---:|"]
    lines += [
        f"| {row['trained on']} | {row['auc']:.3f} | {row['false alarms']} of {row['normals']} | "
        f"{row['misses']} of {row['anomalies']} |"
        for row in rows
    ]
    return "\n".join(lines)


def short_table(rows: Sequence[Row]) -> str:
    normals, anomalies = rows[0]["normal clips"], rows[0]["anomaly clips"]
    return "\n".join(
        [
            "| seconds | " + " | ".join(str(row["seconds"]) for row in rows) + " |",
            "|---|" + "---:|" * len(rows),
            f"| above the threshold of {normals} healthy clips | "
            + " | ".join(str(row["normal"]) for row in rows)
            + " |",
            f"| above the threshold of {anomalies} faulty clips | "
            + " | ".join(str(row["anomaly"]) for row in rows)
            + " |",
            "| judged | " + " | ".join("yes" if row["judged"] else "no" for row in rows) + " |",
        ]
    )


def memory_table(rows: Sequence[Row]) -> str:
    return "\n".join(
        [
            "| length | " + " | ".join(f"{row['minutes']} min" for row in rows) + " |",
            "|---|" + "---:|" * len(rows),
            "| peak | " + " | ".join(f"{row['MB']} MB" for row in rows) + " |",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--into", type=Path, help="page with the markers")
    chosen = parser.parse_args()
    if chosen.verb == "run":
        clips = load_manifest(Path(chosen.data))
        each = {"cut": cut_rows, "among": among_rows, "short": short_rows, "memory": memory_rows}
        note(chosen.results, chosen.what, (0,), lambda what, seed: each[what](seed, clips))
        return
    rows = noted(chosen.results)
    tables = {"cut": cut_table, "among": cut_table, "short": short_table, "memory": memory_table}
    page = chosen.into.read_text(encoding="utf-8") if chosen.into else ""
    for what, table in tables.items():
        text = table([row for row in rows if row["what"] == what])
        print(text, end="\n\n")
        page = between(page, what, text) if page else ""
    if chosen.into:
        chosen.into.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
