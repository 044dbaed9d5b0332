r"""Compares the rehearsal by synthetic faults with what labelled faults give, machine by machine.

    python benchmarks/rehearsal.py run DATA --results benchmarks/results/rehearsal.jsonl
    python benchmarks/rehearsal.py table --results benchmarks/results/rehearsal.jsonl \
        --into docs/explanation/rehearsal.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout; other machines
in it take part in the fleet. A run is one of

    real      these four machines, with their labelled anomalies
    factory   two synthetic machines of each type, another factory for each seed, with their own
              faults at severity 0.3, 0.6 and 1

and a seed. Each detector is rehearsed as `rattle rehearse BUNDLE` does it, on the held-out clips
that its bundle keeps. One that is noted already is not done again. Kinds and levels of the
rehearsal were fixed before, and nothing is chosen by these figures.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hearing import MACHINES, trained
from rattle import Detector, Manifest, Recipe
from rattle.clips.layouts import load_manifest
from rattle.evaluation.metrics import auc
from rattle.runtime.healthy import stored_clips
from rattle.runtime.rehearsal import Rehearsal, rehearse
from rattle.synthetic import write_factory
from rows import Row, note

SEEDS = (0, 1, 2)
SEVERITIES = (0.3, 0.6, 1.0)
WHATS = ("real", "factory")
Scores = NDArray[np.float64]


def scores_of(detector: Detector, clips: Manifest, label: str) -> Scores:
    """Scores of the machine's test clips of a label."""
    paths = clips.of(detector.machine, split="test", label=label).table["path"]
    return np.array([clip.score for clip in detector.score(list(paths))])


def compared(rehearsal: Rehearsal, normal: Scores, anomaly: Scores) -> Row:
    """Shares found in the rehearsal and of the labelled anomalies, at the same thresholds."""
    laid = np.array([fault.scores for fault in rehearsal.faults]).ravel()
    levels = {
        kind: rehearsal.half_found_from_db(kind, rehearsal.threshold.value)
        for kind in rehearsal.kinds
    }
    return {
        "held_out": rehearsal.threshold.clips,
        "rehearsed_auc": round(auc(np.array(rehearsal.healthy), laid), 4),
        "auc": round(auc(normal, anomaly), 4),
        "anomalies": len(anomaly),
        "half_found_from_db": {
            kind: None if level is None else round(level, 1) for kind, level in levels.items()
        },
        "at": {
            f"{threshold.false_alarm_rate:g}": {
                "rehearsed": round(rehearsal.found(threshold.value).value, 4),
                "found": round(float(np.mean(anomaly > threshold.value)), 4),
                "alarms": round(float(np.mean(normal > threshold.value)), 4),
            }
            for threshold in rehearsal.thresholds
        },
    }


def real_rows(seed: int, clips: Manifest) -> Iterator[Row]:
    for detector in trained(clips, list(MACHINES), Recipe.load("fleet"), seed):
        rehearsal = rehearse(detector, stored_clips(detector))
        normal, anomaly = (scores_of(detector, clips, label) for label in ("normal", "anomaly"))
        row = {"what": "real", "seed": seed, "machine": str(detector.machine)}
        yield {**row, **compared(rehearsal, normal, anomaly)}


def factory_rows(seed: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        roots = {severity: Path(folder) / str(severity) for severity in SEVERITIES}
        for severity, root in roots.items():
            # The same machines, the same normal clips: the seed decides both.
            write_factory(
                root,
                seed=700 + seed,
                ids_per_type=2,
                train_clips=60,
                test_normal=40,
                test_anomaly=60,
                severity=(severity, severity),
                workers=1,
            )
        clips = {severity: load_manifest(root) for severity, root in roots.items()}
        first = clips[SEVERITIES[0]]
        for detector in trained(first, first.machines(), Recipe.load("fleet"), seed):
            rehearsal = rehearse(detector, stored_clips(detector))
            normal = scores_of(detector, first, "normal")
            for severity, test in clips.items():
                anomaly = scores_of(detector, test, "anomaly")
                row = {"what": "factory", "seed": seed, "machine": str(detector.machine)}
                yield {**row, "severity": severity, **compared(rehearsal, normal, anomaly)}


def run(data: str, results: Path, whats: Sequence[str], seeds: Sequence[int]) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    clips = load_manifest(Path(data))
    note(
        results,
        whats,
        seeds,
        lambda what, seed: real_rows(seed, clips) if what == "real" else factory_rows(seed),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="page with the markers")
    parser.add_argument("--what", nargs="+", choices=WHATS, default=list(WHATS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    chosen = parser.parse_args()
    if chosen.verb == "run":
        run(chosen.data, chosen.results, chosen.what, chosen.seeds)


if __name__ == "__main__":
    main()
