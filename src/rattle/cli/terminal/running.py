"""A training or an adaptation on the terminal: shown as it goes, stopped by Ctrl-C."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.detector import Detector
from rattle.detector.adapt import AdaptJob
from rattle.detector.fit import FitJob, Watch
from rattle.errors import Interrupted
from rattle.learning.outliers import OutlierPool
from rattle.learning.pretrained import Loaded
from rattle.learning.train import Step
from rattle.runs.folder import bundle_path
from rattle.runs.machines import finish, tracker_of
from rattle.runs.write import run_in_folder
from rattle.tracking import TrackerName


def run_shown(
    job: FitJob | AdaptJob, out: Path, *, resume: bool, track: TrackerName | None = None
) -> Path:
    """Run a job in its folder under ``out``, show its progress, say what came out."""
    title, started = str(job.machine), time.monotonic()
    tracker = tracker_of(job, out, track)
    was_there = bundle_path(out, job.machine).exists()
    progress = TrainingProgress(title, job.steps)

    def on_clip() -> None:
        if stop():
            raise Interrupted
        progress.on_clip()

    def on_pool(pool: OutlierPool) -> None:
        progress.say(f"{title}: outliers: {pool.origin}")

    def on_init(loaded: Loaded) -> None:
        progress.say(f"{title}: {len(loaded.taken)} pre-trained weights taken")
        for name, reason in loaded.skipped.items():
            progress.say(f"  not taken: {name} ({reason})")

    def on_known(what: str) -> None:
        progress.say(f"{title}: {what}")

    def on_step(step: Step) -> None:
        tracker.step(step)
        progress.on_step(step)

    with progress, StopRequest() as stop, closing(tracker):
        watch = Watch(
            on_clip=on_clip,
            on_pool=on_pool,
            on_init=on_init,
            on_known=on_known,
            on_step=on_step,
            stop_requested=stop,
        )
        try:
            bundle = run_in_folder(replace(job, watch=watch), out, resume=resume)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
        detector = Detector.load(bundle, device="cpu")
        finish(tracker, detector)
    how = "was there already" if was_there else f"in {time.monotonic() - started:.0f} s"
    announce(bundle, detector, how)
    return bundle


def announce(bundle: Path, detector: Detector, how: str) -> None:
    """Say what came out of a run, and what there is to know of its threshold."""
    title, threshold = str(detector.machine), detector.threshold
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {threshold.value:.4g}")
    if threshold.warning:
        print(f"{title}: warning: {threshold.warning}")
