"""A training or an adaptation on the terminal: shown as it goes, stopped by Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.detector import Detector
from rattle.detector.job import Job, NewClips, Recovered, Watch
from rattle.errors import Interrupted
from rattle.learning.outliers import OutlierPool
from rattle.learning.pretrained import Loaded
from rattle.learning.train import Step
from rattle.runs.folder import bundle_path
from rattle.runs.machines import finish, tracker_of
from rattle.runs.write import run_in_folder
from rattle.tracking import TrackerName


def run_shown(
    job: Job, out: Path, *, resume: bool, track: TrackerName | None = None
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
        more = " (--outliers FOLDER)" if pool.substitute else ""
        progress.say(f"{title}: outliers: {pool.origin}{more}")

    def on_init(loaded: Loaded) -> None:
        progress.say(f"{title}: {len(loaded.taken)} pre-trained weights taken")
        for name, reason in loaded.skipped.items():
            progress.say(f"  not taken: {name} ({reason})")

    def on_recovered(recovered: Recovered) -> None:
        for line in _recovered_lines(recovered):
            progress.say(f"{title}: {line}")

    def on_new_clips(new: NewClips) -> None:
        for line in _new_clip_lines(new):
            progress.say(f"{title}: {line}")

    def on_step(step: Step) -> None:
        tracker.step(step)
        progress.on_step(step)

    with progress, StopRequest() as stop, closing(tracker):
        watch = Watch(
            on_clip=on_clip,
            on_pool=on_pool,
            on_init=on_init,
            on_recovered=on_recovered,
            on_new_clips=on_new_clips,
            on_step=on_step,
            stop_requested=stop,
        )
        try:
            bundle = run_in_folder(job, out, resume=resume, watch=watch)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
        detector = Detector.load(bundle, device="cpu")
        finish(tracker, detector)
    how = "was there already" if was_there else f"in {time.monotonic() - started:.0f} s"
    announce(bundle, detector, how)
    return bundle


def _recovered_lines(recovered: Recovered) -> Iterator[str]:
    """Say how much of what the bundle learnt from is at hand."""
    counts = [
        ("trained on", *recovered.trained),
        ("held out", *recovered.held_out),
        ("anomalies", *recovered.anomalies),
    ]
    known = ", ".join(f"{there} of {of} {what}" for what, there, of in counts if of)
    if not recovered.has_recordings:
        yield (
            f"known clips: {known}, {recovered.outliers} outliers; all from the bundle's replay set"
        )
        return
    only = recovered.only_replay
    yield f"known clips: {known}; found again" + (
        f", {only} only in the bundle's replay set" if only else ""
    )
    if recovered.outliers is not None:
        yield "outliers: from the bundle's replay set"


def _new_clip_lines(new: NewClips) -> Iterator[str]:
    held_out = f" ({new.held_out} of them held out)" if new.held_out else ""
    yield f"new clips: {new.anomalies} anomalies, {new.normals} normal{held_out}"
    if new.were_normal:
        yield f"{new.were_normal} clips were taken for normal before and are anomalies now"
    if new.were_anomalies:
        yield f"{new.were_anomalies} clips were anomalies before and are normal now"


def announce(bundle: Path, detector: Detector, how: str) -> None:
    """Say what came out of a run, and what there is to know of its threshold."""
    title, threshold = str(detector.machine), detector.threshold
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {threshold.value:.4g}")
    if threshold.warning:
        print(f"{title}: warning: {threshold.warning}")
