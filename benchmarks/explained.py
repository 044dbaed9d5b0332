r"""Measures whether an explanation names what is wrong, on synthetic machines, where that is known.

    python benchmarks/explained.py --seed 11

The same recording is made again without its fault, by the same random numbers. An entry of the
explanation names the fault if no healthy clip is as far and at least half of its decibels are gone
in that twin, measured at the same frequencies and times. A machine has 48 healthy clips to compare
with, 30 more that should say nothing, and 60 or more faulty ones.

"Above 1" counts the clips in which one of the first three entries names the fault and has an
unusualness above 1, which chance hardly gives. The column dB is what the fault adds to the
third-octave band that it changes most, in the middle clip: where that is less than a decibel or
so, an ear at the same place would hardly hear it either.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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


def compared(specimen: Specimen, seed: int, machine: str) -> Comparison:
    healthy = (recorded(specimen, seed, f"{machine}/train/{k}") for k in range(HEALTHY))
    return Comparison.of(Reference.of(healthy, RATE_HZ))


def explained(
    specimen: Specimen, seed: int, machine: str, with_: Comparison
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
                yield Explained(fault, severity, names, entries, float(np.abs(added).max()))


def names_fault(entry: Difference, twin: Heard, with_: Comparison) -> bool:
    left = with_.decibels(entry, twin)
    return entry.is_outside and left / entry.decibels <= 1 - GONE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--types", nargs="*", default=tuple(FAULTS_OF_TYPE))
    parser.add_argument("--misses", action="store_true", help="say what is said instead")
    asked = parser.parse_args()
    found: dict[tuple[str, str, float], list[Explained]] = defaultdict(list)
    alarms: dict[str, list[tuple[Difference, ...]]] = defaultdict(list)
    for type_ in asked.types:
        for index in range(IDS):
            machine, specimen = f"{type_}/{index}", Specimen.of(type_, index, seed=asked.seed)
            comparison = compared(specimen, asked.seed, machine)
            for k in range(TEST):
                clip = recorded(specimen, asked.seed, f"{machine}/normal/{k}")
                alarms[type_].append(comparison.differences(clip))
            for one in explained(specimen, asked.seed, machine, comparison):
                found[type_, one.fault, one.severity].append(one)
                if asked.misses and one.severity == 1 and not any(one.names):
                    print(f"{machine} {one.fault}:")
                    for entry in one.entries:
                        print(f"    {entry.unusualness:.1f} {sentence(entry, HEALTHY)}")
    print(f"seed {asked.seed}\n")
    titles = " | ".join(f"severity {s}: dB | top 3 | top 1 | above 1" for s in SEVERITIES)
    print(f"| machine | fault | clips | {titles} |")
    print("|---" * (3 + 4 * len(SEVERITIES)) + "|")
    for type_ in asked.types:
        for fault in FAULTS_OF_TYPE[type_]:
            print(row(type_, fault, [found[type_, fault, severity] for severity in SEVERITIES]))
    everything = [[c for key, of in found.items() if key[2] == s for c in of] for s in SEVERITIES]
    print(row("all", "", everything))
    print()
    for type_, clips in alarms.items():
        saying = sum(any(e.unusualness > 1 and e.is_outside for e in entries) for entries in clips)
        median = np.median(
            [max((e.unusualness for e in es if e.is_outside), default=0) for es in clips]
        )
        kinds = [e.kind for es in clips for e in es if e.unusualness > 1 and e.is_outside]
        counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        print(
            f"{type_}: {saying} of {len(clips)} healthy clips have an entry above 1 that no "
            f"healthy clip reaches {counts}; the middle clip's largest is {median:.2f}"
        )


def row(type_: str, fault: str, by_severity: list[list[Explained]]) -> str:
    shares = []
    for clips in by_severity:
        shares.append(f"{np.median([c.adds_db for c in clips]):.1f}")
        shares.append(f"{np.mean([any(c.names) for c in clips]):.0%}")
        shares.append(f"{np.mean([c.names[:1] == (True,) for c in clips]):.0%}")
        shares.append(f"{np.mean([c.is_sure for c in clips]):.0%}")
    return f"| {type_} | {fault} | {len(by_severity[0])} | " + " | ".join(shares) + " |"


if __name__ == "__main__":
    main()
