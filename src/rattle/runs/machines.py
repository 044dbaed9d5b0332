"""Train a detector for each of many machines, side by side.

The machines are tasks of a grid, as the cells of an experiment are: they run in the same processes,
are tried again when one dies, and stop and go on in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rattle.bundle import BundleInfo, read_scoring_bundle
from rattle.clips.machine import Machine
from rattle.detector.job import Job, Watch
from rattle.detector.own import OwnJob
from rattle.errors import Interrupted
from rattle.runs.files import last_iteration
from rattle.runs.folder import RunFolder
from rattle.runs.node import chosen_store, device_on_node, use_store
from rattle.runs.write import run_in_folder
from rattle.runtime.clip_scorer import threshold_of
from rattle.tracking import Tracker, TrackerName, flat, open_tracker


@dataclass(frozen=True, order=True)
class MachineRun:
    """The training of one machine's detector; done when its bundle is there."""

    machine: Machine

    @property
    def title(self) -> str:
        return str(self.machine)

    @property
    def parent(self) -> MachineRun | None:
        return None

    def is_done(self, folder: Path) -> bool:
        """Tell whether its bundle is there."""
        return RunFolder.of(folder, self.machine).bundle.exists()

    def progress_in(self, folder: Path) -> int | None:
        """Count the iterations that it has done; None before the first."""
        return last_iteration(RunFolder.of(folder, self.machine).metrics)


@dataclass(frozen=True)
class MachineRuns:
    """What the runs of many machines share: where the bundles go, and a job but for its machine."""

    folder: Path
    job: OwnJob
    track: TrackerName | None = None
    store: Path | None = None

    @property
    def needs_gpu(self) -> bool:
        """Whether each run needs a GPU of its own."""
        return self.job.device.startswith("cuda")

    def for_cluster(self) -> MachineRuns:
        """Prepare them for other machines: absolute paths, a device that every node has."""
        job = replace(self.job, device=device_on_node(self.job.device))
        return replace(self, folder=self.folder.absolute(), job=job, store=chosen_store())

    def run(self, task: MachineRun, stop_requested: Callable[[], bool]) -> None:
        """Train a machine's detector, or go on with its training."""
        use_store(self.store)

        def on_clip() -> None:
            if stop_requested():
                raise Interrupted

        job = replace(self.job, machine=task.machine)
        with closing(tracker_of(job, self.folder, self.track)) as tracker:
            watch = Watch(on_clip=on_clip, on_step=tracker.step, stop_requested=stop_requested)
            bundles = run_in_folder(job, self.folder, resume=True, watch=watch)
            if self.track is not None:
                finish_tracking(tracker, read_scoring_bundle(bundles[task.machine]).info)


def title_of(job: Job) -> str:
    """Say what people call a job: its machine, or how many there are."""
    return str(job.machines[0]) if len(job.machines) == 1 else f"{len(job.machines)} machines"


def tracker_of(job: Job, out: Path, track: TrackerName | None) -> Tracker:
    """Open the tracker for the job's curves, and give it every number of its recipe.

    Of many machines trained at once the curves are one, and kept with the first.
    """
    title = title_of(job)
    made_by = {"machine": title, "work": job.work, "seed": job.seed}
    numbers = flat({**made_by, **job.recipe.model_dump()})
    folder = RunFolder.of(out, job.machines[0])
    return open_tracker(
        track, f"{title} {job.work}", numbers, tensorboard=folder.tensorboard, mlflow=folder.mlflow
    )


def finish_tracking(tracker: Tracker, info: BundleInfo) -> None:
    """Tell the tracker what came out of the run: threshold and alpha."""
    tracker.finish({"threshold": threshold_of(info).value, "alpha": info.alpha})
