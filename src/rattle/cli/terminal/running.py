"""Run a job on the terminal: shown as it goes, stopped by Ctrl-C."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from rattle.bundle import read_scoring_bundle
from rattle.cli.terminal.announced import announce
from rattle.cli.terminal.progress import TrainingProgress
from rattle.cli.terminal.stopping import StopRequest
from rattle.cores import cores
from rattle.detector.fleet import FleetJob
from rattle.detector.job import Job, Watch
from rattle.errors import Interrupted
from rattle.grid.siblings import train_siblings
from rattle.learning.device import place
from rattle.learning.train import Step
from rattle.runs.folder import RunFolder, bundle_path
from rattle.runs.machines import finish_tracking, title_of, tracker_of
from rattle.runs.siblings import SiblingRuns
from rattle.runs.write import run_in_folder
from rattle.scoring.windows import frame_seconds
from rattle.tracking import TrackerName


def run_shown(
    job: Job,
    out: Path,
    *,
    resume: bool,
    track: TrackerName | None = None,
    workers: int | None = None,
) -> list[Path]:
    """Run a job in its folder under ``out``, show its progress, say what came out.

    So many of its siblings train at a time; as many as there are cores where that is not said.
    """
    title, started = title_of(job), time.monotonic()
    tracker = tracker_of(job, out, track)
    there = {machine for machine in job.machines if bundle_path(out, machine).exists()}
    progress = TrainingProgress(
        title, job.steps, siblings=len(job.siblings), takes_outliers=job.work != "adapt"
    )

    def on_clip() -> None:
        if stop():
            raise Interrupted
        progress.on_clip()

    def on_step(step: Step) -> None:
        tracker.step(step)
        progress.on_step(step)

    with progress, StopRequest() as stop, closing(tracker):
        if isinstance(job, FleetJob):
            _tell_window(job, title, progress)
        watch = Watch(
            on_cut=progress.on_cut,
            on_clip=on_clip,
            on_unfit=progress.on_unfit,
            on_pool=progress.on_pool,
            on_init=progress.on_init,
            on_recovered=progress.on_recovered,
            on_new_clips=progress.on_new_clips,
            on_step=on_step,
            on_sibling_step=progress.on_sibling_step,
            stop_requested=stop,
        )

        def before(identity: str, folder: RunFolder) -> None:
            count = min(workers or cores(), len(job.siblings))
            # Heads are fitted sooner than a process starts; a GPU is one, however many cores.
            if job.work == "train" and count > 1 and place(job.device).device.type == "cpu":
                shared = SiblingRuns(folder.path, job, identity)
                train_siblings(shared, count, on_change=progress.on_siblings, stop=stop)

        try:
            bundles = run_in_folder(job, out, resume=resume, watch=watch, before=before)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
        infos = {machine: read_scoring_bundle(path).info for machine, path in bundles.items()}
        if len(infos) == 1:
            finish_tracking(tracker, *infos.values())
    how = f"in {time.monotonic() - started:.0f} s"
    announce(
        {
            bundles[machine]: (info, "was there already" if machine in there else how)
            for machine, info in infos.items()
        }
    )
    return list(bundles.values())


def _tell_window(job: FleetJob, title: str, progress: TrainingProgress) -> None:
    """Say where clips are too short for the window that the recipe asks for."""
    chosen, asked = (recipe.features.window_frames for recipe in (job.recipe, job.asked))
    if chosen < asked:
        frame_s = frame_seconds(job.recipe)
        progress.say(
            f"{title}: most clips are shorter than the recipe's window of {asked * frame_s:.1f} s: "
            f"it is {chosen * frame_s:.1f} s here"
        )
