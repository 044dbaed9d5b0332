"""What a head's learning and an explanation take, as commands, on one core and without torch."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ratio import Ratio
from rattle import Recipe, export
from rattle.clips.layouts import load_manifest
from rattle.detector.finish import make
from rattle.detector.fit import training_jobs
from rattle.scoring.head import CENTRES, Head
from rattle.scoring.score import Values

ANOMALIES = (16, 64)
ROUNDS = 3
A_DAY, DIMENSIONS = 86_400, 128
# A process in which torch cannot be imported, as where it is not installed.
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from rattle.cli import main; main()"


def distances() -> Iterator[Ratio]:
    """Distances to the nearest of 256 centres, and a day of a station's stored windows."""
    rng = np.random.default_rng(0)
    head = Head(None, None, rng.normal(size=(CENTRES, DIMENSIONS)).astype(np.float32), "mean")
    z = rng.normal(size=(A_DAY, DIMENSIONS)).astype(np.float16)
    some = z[:2000]
    centres = head.centres.astype(np.float64) if head.centres is not None else np.empty(0)

    def by_differences() -> Values:
        return np.array([((centres - each) ** 2).sum(axis=1).min() for each in some]) / DIMENSIONS

    np.testing.assert_allclose(head.distances(some), by_differences())
    slow, fast = (_seconds(of) for of in (by_differences, lambda: head.distances(some)))
    note = f"{len(some)} windows, {CENTRES} centres of {DIMENSIONS} numbers, the same figures"
    yield Ratio("distances by a product of matrices, of by differences", slow / fast, 5, note)
    took = _seconds(lambda: head.distances(z))
    yield Ratio("seconds to score a day of stored windows", took, 2, "one source", at_most=True)


def _seconds(do: Callable[[], object]) -> float:
    best = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        do()
        best.append(time.perf_counter() - began)
    return statistics.median(best)


def measure(data: Path) -> Iterator[Ratio]:
    """Seconds from the command to its end, files read and written; the middle of three."""
    yield from distances()
    clips = load_manifest(data)
    # How well it is trained does not change its work.
    recipe = Recipe.load("fleet").with_values(training={"iterations": 3})
    machine = max(clips.machines(), key=lambda m: len(clips.of(m, split="test", label="anomaly")))
    (job,) = training_jobs(clips, [machine], recipe, device="cpu")
    (detector,) = make(job)
    faulty = list(clips.of(machine, split="test", label="anomaly").table["path"])
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "machine.rattle")
        export(detector).save(bundle)
        for count in ANOMALIES:
            words = ["adapt", bundle, "--head", "--anomalies", *faulty[:count], "--out"]
            took = [
                _took([*words, Path(folder, "new")], Path(folder, "new")) for _ in range(ROUNDS)
            ]
            yield Ratio(
                f"seconds of rattle adapt --head with {min(count, len(faulty))} anomalies",
                statistics.median(took),
                2,
                f"a whole command on one core, without torch; bundle of "
                f"{bundle.stat().st_size / 1e6:.0f} MB read and written",
                at_most=True,
            )
        took = [_took(["explain", bundle, faulty[0]]) for _ in range(ROUNDS)]
        yield Ratio(
            "seconds of rattle explain of a clip",
            statistics.median(took),
            2,
            "a whole command on one core, without torch",
            at_most=True,
        )


def _took(words: Sequence[str | Path], out: Path | None = None) -> float:
    if out is not None:
        shutil.rmtree(out, ignore_errors=True)
    core = min(os.sched_getaffinity(0))
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    return time.perf_counter() - began
