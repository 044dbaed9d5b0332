"""Run a training or an adaptation on the terminal: shown as it goes, stopped by Ctrl-C."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.detector import Detector
from rattle.detector.job import Job, Watch
from rattle.errors import Interrupted
from rattle.learning.train import Step
from rattle.runs.folder import bundle_path
from rattle.runs.machines import finish_tracking, tracker_of
from rattle.runs.write import run_in_folder
from rattle.tracking import TrackerName


def run_shown(job: Job, out: Path, *, resume: bool, track: TrackerName | None = None) -> Path:
    """Run a job in its folder under ``out``, show its progress, say what came out."""
    title, started = str(job.machine), time.monotonic()
    tracker = tracker_of(job, out, track)
    was_there = bundle_path(out, job.machine).exists()
    progress = TrainingProgress(title, job.steps, takes_outliers=job.work == "train")

    def on_clip() -> None:
        if stop():
            raise Interrupted
        progress.on_clip()

    def on_step(step: Step) -> None:
        tracker.step(step)
        progress.on_step(step)

    with progress, StopRequest() as stop, closing(tracker):
        watch = Watch(
            on_clip=on_clip,
            on_pool=progress.on_pool,
            on_init=progress.on_init,
            on_recovered=progress.on_recovered,
            on_new_clips=progress.on_new_clips,
            on_step=on_step,
            stop_requested=stop,
        )
        try:
            bundle = run_in_folder(job, out, resume=resume, watch=watch)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
        detector = Detector.load(bundle, device="cpu")
        finish_tracking(tracker, detector)
    how = "was there already" if was_there else f"in {time.monotonic() - started:.0f} s"
    announce(bundle, detector, how)
    return bundle


def announce(bundle: Path, detector: Detector, how: str) -> None:
    """Say what came out of a run, and what there is to know of its threshold."""
    title, threshold = str(detector.machine), detector.threshold
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {threshold.value:.4g}")
    if threshold.warning:
        print(f"{title}: warning: {threshold.warning}")
