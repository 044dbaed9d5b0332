"""A fleet: a detector for each of many machines, trained side by side.

The machines are tasks of a grid (``grid.py``) as the cells of an experiment are: they run in the
same processes, are tried again when one dies, and stop and go on in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rattle.clips.machine import Machine
from rattle.detector import Detector
from rattle.detector.fit import FitJob
from rattle.detector.job import Job, Watch
from rattle.errors import Interrupted
from rattle.runs.folder import RunFolder, bundle_path
from rattle.runs.write import run_in_folder
from rattle.tracking import Tracker, TrackerName, flat, open_tracker


@dataclass(frozen=True, order=True)
class Training:
    """One machine's training; done when its bundle is there."""

    machine: Machine

    @property
    def title(self) -> str:
        return str(self.machine)

    @property
    def parent(self) -> Training | None:
        return None

    def run_folder(self, folder: Path) -> Path:
        return folder / self.machine.slug

    def is_done(self, folder: Path) -> bool:
        return bundle_path(folder, self.machine).exists()


@dataclass(frozen=True)
class Fleet:
    """Where the bundles go, and the job that differs from machine to machine in nothing else."""

    folder: Path
    job: FitJob
    track: TrackerName | None = None

    def run(self, task: Training, stop_requested: Callable[[], bool]) -> None:
        """Train a machine's detector, or go on with its training."""

        def on_clip() -> None:
            if stop_requested():
                raise Interrupted

        job = replace(self.job, machine=task.machine)
        with closing(tracker_of(job, self.folder, self.track)) as tracker:
            watch = Watch(on_clip=on_clip, on_step=tracker.step, stop_requested=stop_requested)
            bundle = run_in_folder(job, self.folder, resume=True, watch=watch)
            if self.track is not None:
                finish(tracker, Detector.load(bundle, device="cpu"))


def tracker_of(job: Job, out: Path, track: TrackerName | None) -> Tracker:
    """What the job's curves are written for, with every number of its recipe."""
    title = str(job.machine)
    made_by = {"machine": title, "work": job.work, "seed": job.seed}
    numbers = flat({**made_by, **job.recipe.model_dump()})
    folder = RunFolder.of(out, job.machine)
    return open_tracker(
        track, f"{title} {job.work}", numbers, tensorboard=folder.tensorboard, mlflow=folder.mlflow
    )


def finish(tracker: Tracker, detector: Detector) -> None:
    """Tell the tracker what came out."""
    tracker.finish({"threshold": detector.threshold.value, "alpha": detector.info.alpha})
