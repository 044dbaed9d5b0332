r"""Measures whether an explanation names what is wrong, on synthetic machines, where that is known.

    python benchmarks/explained.py --seed 12 --into docs/explanation/explaining.md

The same recording is made again without its fault, by the same random numbers. An entry of the
explanation names the fault if no healthy clip is as far and at least half of its decibels are gone
in that twin, measured at the same frequencies and times. A machine has 48 healthy clips to compare
with, 30 more that should say nothing, and 60 or more faulty ones.

A fleet is trained on the same healthy clips, and says which of the faulty ones it calls anomalous:
"of alarms" is the share of those that are named among the first three entries.

"Above 1" counts the clips in which one of the first three entries names the fault and has an
unusualness above 1, which chance hardly gives. The column dB is what the fault adds to the
third-octave band that it changes most, in the middle clip: where that is less than a decibel or
so, an ear at the same place would hardly hear it either.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

import rattle
from page import between
from rattle import Detector
from rattle.diagnosis.difference import Difference
from rattle.diagnosis.differences import Comparison
from rattle.diagnosis.evened import Heard
from rattle.diagnosis.reference import Reference
from rattle.diagnosis.sentence import sentence
from rattle.randomness import named_stream
from rattle.synthetic.specimen import FAULTS_OF_TYPE, Specimen

RATE_HZ, SECONDS, SNR_DB = 16_000, 10.0, 0.0
IDS, HEALTHY, TEST, FAULTY = 3, 48, 30, 60
SEVERITIES = (0.6, 1.0)
NAMED = 3  # entries that a person reads
GONE = 0.5


@dataclass(frozen=True)
class Explained:
    """One faulty clip: whether each of the first entries names the fault.

    ``adds_db`` is what the fault adds to the third-octave band that it changes most.
    """

    fault: str
    severity: float
    names: tuple[bool, ...]
    entries: tuple[Difference, ...]
    adds_db: float
    is_alarm: bool

    @property
    def is_sure(self) -> bool:
        """Whether an entry names it that is more unusual than those of healthy clips."""
        both = zip(self.names, self.entries, strict=True)
        return any(names and entry.unusualness > 1 for names, entry in both)


def recorded(
    specimen: Specimen, seed: int, name: str, fault: str | None = None, severity: float = 0.0
) -> np.ndarray:
    return specimen.record(
        seconds=SECONDS,
        sample_rate_hz=RATE_HZ,
        snr_db=SNR_DB,
        rng=named_stream(seed, name),
        fault=fault,
        severity=severity,
    ).astype(np.float32)


def healthy_clips(specimen: Specimen, seed: int, machine: str) -> list[np.ndarray]:
    return [recorded(specimen, seed, f"{machine}/train/{k}") for k in range(HEALTHY)]


def fleet(specimens: dict[str, Specimen], seed: int) -> dict[str, Detector]:
    """Train all machines at once on the clips that they are compared with."""
    with tempfile.TemporaryDirectory() as folder:
        for machine, specimen in specimens.items():
            normal = Path(folder, machine, "normal")
            normal.mkdir(parents=True)
            for k, samples in enumerate(healthy_clips(specimen, seed, machine)):
                sf.write(normal / f"{k:03}.wav", samples, RATE_HZ)
        detectors = rattle.fit_fleet(folder, seed=seed)
    return {str(machine): detector for machine, detector in detectors.items()}


def explained(
    specimen: Specimen, seed: int, machine: str, with_: Comparison, detector: Detector
) -> Iterator[Explained]:
    """Explain a machine's faulty clips, and look at each one's twin without the fault."""
    faults = FAULTS_OF_TYPE[specimen.type]
    each = -(-FAULTY // (len(faults) * len(SEVERITIES)))
    for fault in faults:
        for number in range(each):
            name = f"{machine}/test/{fault}/{number}"
            twin = with_.heard(recorded(specimen, seed, name, fault, 0.0))
            for severity in SEVERITIES:
                clip = recorded(specimen, seed, name, fault, severity)
                entries = with_.differences(clip)[:NAMED]
                names = tuple(names_fault(entry, twin, with_) for entry in entries)
                added = with_.heard(clip).evened.bands_db - twin.evened.bands_db
                (score,) = detector.score([clip])
                adds_db = float(np.abs(added).max())
                yield Explained(fault, severity, names, entries, adds_db, score.anomalous)


def names_fault(entry: Difference, twin: Heard, with_: Comparison) -> bool:
    left = with_.decibels(entry, twin)
    return entry.is_outside and left / entry.decibels <= 1 - GONE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--types", nargs="*", default=tuple(FAULTS_OF_TYPE))
    parser.add_argument("--misses", action="store_true", help="say what is said instead")
    parser.add_argument("--into", type=Path, help="page to write the table into")
    asked = parser.parse_args()
    found: dict[tuple[str, str, float], list[Explained]] = defaultdict(list)
    healthy: dict[str, list[tuple[Difference, ...]]] = defaultdict(list)
    specimens = {
        f"{type_}/{index}": Specimen.of(type_, index, seed=asked.seed)
        for type_ in asked.types
        for index in range(IDS)
    }
    detectors = fleet(specimens, asked.seed)
    for machine, specimen in specimens.items():
        clips = healthy_clips(specimen, asked.seed, machine)
        comparison = Comparison.of(Reference.of(clips, RATE_HZ))
        for k in range(TEST):
            clip = recorded(specimen, asked.seed, f"{machine}/normal/{k}")
            healthy[specimen.type].append(comparison.differences(clip))
        each = explained(specimen, asked.seed, machine, comparison, detectors[machine])
        for one in each:
            found[specimen.type, one.fault, one.severity].append(one)
            if asked.misses and one.severity == 1 and not any(one.names):
                print(f"{machine} {one.fault}:")
                for entry in one.entries:
                    print(f"    {entry.unusualness:.1f} {sentence(entry, HEALTHY)}")
    text = "\n".join([*table(found), "", *said_of_healthy(healthy), "", f"Seed {asked.seed}."])
    print(text)
    if asked.into:
        page = asked.into.read_text(encoding="utf-8")
        asked.into.write_text(between(page, "explained", text), encoding="utf-8")


def table(found: dict[tuple[str, str, float], list[Explained]]) -> Iterator[str]:
    titles = " | ".join(
        f"{s:g}: dB | first three | first | above 1 | alarms | of alarms" for s in SEVERITIES
    )
    yield f"| machine | fault | clips | {titles} |"
    yield "|---|---" + "|---:" * (1 + 6 * len(SEVERITIES)) + "|"
    kinds = dict.fromkeys((type_, fault) for type_, fault, _ in found)
    for type_, fault in kinds:
        name = type_.removeprefix("synth_")
        yield row(name, fault, [found[type_, fault, severity] for severity in SEVERITIES])
    every = [[c for key, of in found.items() if key[2] == s for c in of] for s in SEVERITIES]
    yield row("all", "", every)


def said_of_healthy(healthy: dict[str, list[tuple[Difference, ...]]]) -> Iterator[str]:
    yield "| healthy test clips of | clips | with an entry above 1 | largest entry, middle clip |"
    yield "|---|---:|---:|---:|"
    for type_, clips in healthy.items():
        saying = sum(any(e.unusualness > 1 and e.is_outside for e in entries) for entries in clips)
        largest = [max((e.unusualness for e in es if e.is_outside), default=0) for es in clips]
        name = type_.removeprefix("synth_")
        yield f"| {name}s | {len(clips)} | {saying} | {np.median(largest):.2f} |"


def row(type_: str, fault: str, by_severity: list[list[Explained]]) -> str:
    cells = []
    for clips in by_severity:
        alarms = [clip for clip in clips if clip.is_alarm]
        named = [any(clip.names) for clip in clips]
        cells += [
            f"{np.median([c.adds_db for c in clips]):.1f}",
            f"{np.mean(named):.0%}",
            f"{np.mean([c.names[:1] == (True,) for c in clips]):.0%}",
            f"{np.mean([c.is_sure for c in clips]):.0%}",
            f"{len(alarms)}",
            f"{np.mean([any(c.names) for c in alarms]):.0%}" if alarms else "",
        ]
    return f"| {type_} | {fault} | {len(by_severity[0])} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
