"""``rattle demo``: go the whole way on synthetic machines."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.clips.manifest import Manifest
    from rattle.detector import Detector
    from rattle.evaluation.evaluate import Evaluation

ITERATIONS = 60
# Faulty recordings that the demo gives a label, and differences that it names of one.
LEARNT, NAMED = 6, 3


def demo(*, to: Path = Path("rattle-demo"), seed: int = 0) -> int:
    """Make a synthetic factory, train detectors of all its machines, find, explain, learn faults.

    Takes less than a minute on two cores. Run again, it does the same again.

    Parameters
    ----------
    to
        Folder for recordings, bundles and the report.
    seed
        Decides the machines, their faults and the training.
    """
    from rattle.cli.evaluate import evaluate_clips
    from rattle.cli.train import train_each
    from rattle.clips.layouts import load_manifest
    from rattle.detector.fit import training_jobs
    from rattle.recipe import Recipe

    started = time.monotonic()
    print("1. Eight SYNTHETIC machines: four types of two. No real machine was recorded.")
    recordings = to / f"factory-{seed}"
    _make_factory(recordings, seed)
    clips = load_manifest(recordings)
    print(f"   {len(clips)} recordings of 10 s in {recordings}")

    print("\n2. Learn the healthy sound of all eight at once.")
    print("   Only normal recordings are used; every machine is an outlier to the others.")
    # Two fifths held out make a threshold at once, where siblings would take twice the time.
    training = {"iterations": ITERATIONS, "held_out": 0.4, "cross_fit": False}
    recipe = Recipe.load("fleet").with_values(training=training)
    runs = to / "demo-runs"
    shutil.rmtree(runs, ignore_errors=True)
    train_each(training_jobs(clips, clips.machines(), recipe, seed=seed), runs, resume=False)

    print("\n3. Score recordings it has never heard: healthy ones, and ones with a fault.")
    code, evaluation = evaluate_clips(clips, str(recordings), runs, to / "evaluation")
    print("\n4. Why is it an alarm? The highest score of the machine with the most misses:")
    hardest = _hardest(evaluation, runs)
    faulty = clips.of(hardest.machine, split="test", label="anomaly")
    _explain(hardest, faulty)
    print(
        f"\n5. Learn from it. Say of {LEARNT} of its {len(faulty)} faulty recordings what they are"
        "\n   (rattle adapt --head), and judge all its others:"
    )
    _learn(hardest, clips, faulty)
    print(
        "\nAUC is the chance that a faulty recording scores above a healthy one: 0.5 is guessing,"
        "\n1 is perfect. A false alarm is a healthy recording above the threshold, a miss a faulty"
        "\none below it. What is wrong in each recording: "
        f"{recordings / 'factory.json'}"
        f"\nDone in {time.monotonic() - started:.0f} s. Next, your own recordings:"
        "\n  rattle check FOLDER"
        "\n  rattle train FOLDER --machine all"
        "\n  rattle score runs/MACHINE.rattle NEW.wav"
        "\n  rattle explain runs/MACHINE.rattle NEW.wav"
        "\nA whole plant, listened to day and night, on one page (pip install 'rattle[station]'):"
        "\n  rattle station --demo"
    )
    return code


def _hardest(evaluation: Evaluation, runs: Path) -> Detector:
    """Load the detector that misses most."""
    from rattle.detector import Detector
    from rattle.runs.folder import bundle_path

    hardest = max(evaluation.machines, key=lambda result: result.confusion.misses)
    return Detector.load(bundle_path(runs, hardest.machine))


def _explain(detector: Detector, faulty: Manifest) -> None:
    from rattle.cli.terminal.explanation_lines import explanation_lines
    from rattle.runtime.explanation import explain

    highest = max(detector.score(_paths(faulty)), key=lambda clip: clip.score)
    for line in explanation_lines(explain(detector, detector, highest.path), NAMED):
        print(f"   {line}")


def _learn(detector: Detector, clips: Manifest, faulty: Manifest) -> None:
    from rattle.clips.manifest import Manifest
    from rattle.detector import Detector
    from rattle.runtime.adapt_head import adapt_head

    began = time.monotonic()
    adapted = adapt_head(detector.bundle(), detector, list(faulty)[:LEARNT]).bundle
    took = time.monotonic() - began
    better = Detector.of(adapted)
    others = Manifest(faulty.table[LEARNT:])
    healthy = clips.of(detector.machine, split="test", label="normal")
    found, alarms = (
        [_alarms(which, of) for which in (detector, better)] for of in (others, healthy)
    )
    print(
        f"   learnt in {took:.1f} s. Of {len(others)} other faulty recordings it found {found[0]}, "
        f"and finds {found[1]} now;"
        f"\n   of {len(healthy)} healthy ones {alarms[0]} were false alarms, {alarms[1]} are now."
    )


def _alarms(detector: Detector, clips: Manifest) -> int:
    return sum(bool(clip.anomalous) for clip in detector.score(_paths(clips)))


def _paths(clips: Manifest) -> list[str]:
    return [clip.path for clip in clips]


def _make_factory(folder: Path, seed: int) -> None:
    from rattle.synthetic import write_factory

    if not (folder / "dev_data").exists():
        write_factory(
            folder,
            seed=seed,
            ids_per_type=2,
            train_clips=48,
            test_normal=20,
            test_anomaly=20,
            snr_db=6.0,
            severity=(0.6, 1.0),
        )
