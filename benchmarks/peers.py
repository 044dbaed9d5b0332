r"""Runs living peers beside rattle on the same clips, each as its users would call it.

    pip install 'pyod[audio]' tqdm
    python benchmarks/peers.py DATA --into docs/results.md

DATA holds fan/id_00, fan/id_02, slider/id_00 and slider/id_02 in the DCASE layout. PyOD's audio
detectors learn a machine's normal training clips and score its test clips; rattle trains the whole
folder at once. CPU seconds of this process, files read, libraries loaded before; AUC and pAUC are
means over the machines.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import rattle
from page import between, processor
from rattle import Machine, Manifest
from rattle.clips.layouts import load_manifest
from rattle.detector.finish import make
from rattle.detector.fit import training_jobs
from rattle.evaluation.metrics import auc, pauc
from rattle.features.store import STORE
from rattle.recipe import Recipe

MACHINES = tuple(map(Machine.parse, ("fan/id_00", "fan/id_02", "slider/id_00", "slider/id_02")))


@dataclass(frozen=True)
class Came:
    """What came of a way: a machine's AUC and pAUC, and CPU seconds."""

    aucs: dict[Machine, float]
    paucs: dict[Machine, float]
    training_s: float
    scoring_s: float
    scored: int

    def row(self, name: str) -> str:
        """A line of the table."""
        cells = [f"{self.aucs[machine]:.3f}" for machine in MACHINES]
        means = [np.mean(list(of.values())) for of in (self.aucs, self.paucs)]
        return (
            f"| {name} | "
            + " | ".join(cells)
            + f" | {means[0]:.3f} | {means[1]:.3f} | {self.training_s:.0f} | "
            + f"{1000 * self.scoring_s / self.scored:.1f} |"
        )


def peer(build: Callable[[], Any], clips: Manifest) -> Came:
    """One of PyOD's detectors, a machine after the other."""
    aucs, paucs, training_s, scoring_s, scored = {}, {}, 0.0, 0.0, 0
    for machine in MACHINES:
        began = time.process_time()
        model = build()
        model.fit(list(clips.of(machine, split="train", label="normal").table["path"]))
        training_s += time.process_time() - began
        began = time.process_time()
        of = [
            np.asarray(model.decision_function(files), dtype=np.float64)
            for files in test_files(clips, machine)
        ]
        scoring_s += time.process_time() - began
        scored += sum(map(len, of))
        aucs[machine], paucs[machine] = auc(*of), pauc(*of)
    return Came(aucs, paucs, training_s, scoring_s, scored)


def ours(clips: Manifest, seed: int) -> Came:
    """rattle: the fleet at once, scored by its graph."""
    from rattle.runtime import Scorer

    began = time.process_time()
    (job,) = training_jobs(clips, MACHINES, Recipe.load("fleet"), seed=seed)
    detectors = make(job)
    training_s = time.process_time() - began
    aucs, paucs, scoring_s, scored = {}, {}, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for detector in detectors:
            file = Path(folder) / f"{detector.machine.slug}.rattle"
            rattle.export(detector).save(file)
            scorer = Scorer.load(file)
            began = time.process_time()
            of = [
                np.array([clip.score for clip in scorer.score(files)])
                for files in test_files(clips, detector.machine)
            ]
            scoring_s += time.process_time() - began
            scored += sum(map(len, of))
            aucs[detector.machine], paucs[detector.machine] = auc(*of), pauc(*of)
    return Came(aucs, paucs, training_s, scoring_s, scored)


def test_files(clips: Manifest, machine: Machine) -> list[list[str]]:
    """Normal and anomalous test clips."""
    return [
        list(clips.of(machine, split="test", label=label).table["path"])
        for label in ("normal", "anomaly")
    ]


def table(clips: Manifest, seeds: Sequence[int]) -> str:
    from pyod.models.audio_ae import AudioAE
    from pyod.models.embedding import EmbeddingOD

    peers: dict[str, Callable[[], Any]] = {
        f"PyOD for_audio {quality}": lambda quality=quality: EmbeddingOD.for_audio(quality=quality)
        for quality in ("fast", "balanced", "best")
    }
    peers["PyOD AudioAE"] = AudioAE
    head = [*map(str, MACHINES), "mean AUC", "mean pAUC", "training, CPU s", "a clip, CPU ms"]
    lines = ["| what | " + " | ".join(head) + " |", "|---|" + "---:|" * len(head)]
    for seed in seeds:
        lines.append(ours(clips, seed).row(f"rattle, seed {seed}"))
        print(lines[-1], flush=True)
    for name, build in peers.items():
        lines.append(peer(build, clips).row(name))
        print(lines[-1], flush=True)
    versions = f"rattle {rattle.__version__}, PyOD {version('pyod')}, {processor()}."
    return "\n".join([*lines, "", versions])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--into", type=Path, help="page to write the table into")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as store:
        os.environ[STORE] = store  # nothing is computed before the clock runs
        text = table(load_manifest(chosen.data), chosen.seeds)
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(between(page, "peers", text), encoding="utf-8")


if __name__ == "__main__":
    main()
