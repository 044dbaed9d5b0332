"""Run one task of an experiment: make a model and score it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.detector.adapt import AdaptJob
from rattle.detector.fit import training_jobs
from rattle.detector.job import Job, Recordings, Watch
from rattle.errors import Interrupted
from rattle.experiments.folder import CLIPS, RECIPE
from rattle.learning.data import able
from rattle.pages.words import counted
from rattle.randomness import DRAW, stream
from rattle.recipe import Recipe
from rattle.recipe.parts import MethodName
from rattle.runs.files import last_iteration
from rattle.runs.folder import FLEET, METRICS, RunFolder
from rattle.runs.head import write_head_run
from rattle.runs.node import chosen_store, device_on_node, use_store
from rattle.runs.outcome import Way
from rattle.runs.score import leave_outcome
from rattle.runs.write import run_in_folder
from rattle.runtime.adapt_head import adapt_head


@dataclass(frozen=True, order=True)
class Task:
    """A method trained for a machine with a seed, then adapted with some anomalies or with none.

    ``drawn`` of the machine's test anomalies are set apart for adaptation. ``trainer`` is the
    machine whose task trains the encoder that all share; None where each has its own. ``way`` says
    what learns from the anomalies.
    """

    seed: int
    anomalies: int
    method: MethodName
    machine: Machine
    drawn: int = 0
    trainer: Machine | None = None
    way: Way = "encoder"

    @property
    def title(self) -> str:
        anomalies = counted(self.anomalies, "anomaly", "anomalies")
        adapted = f", {anomalies} by {self.way}" if self.anomalies else ""
        return f"{self.method} {self.machine} seed {self.seed}{adapted}"

    @property
    def parent(self) -> Task | None:
        """The task whose model this one adapts, or that trains it; None for a training."""
        if self.anomalies:
            return replace(self, anomalies=0, drawn=0, way="encoder")
        if self.trainer not in (None, self.machine):
            return replace(self, machine=self.trainer)
        return None

    def out(self, folder: Path) -> Path:
        """Choose where under an experiment's folder its bundle and run folder go."""
        trained = folder / self.method / f"seed-{self.seed}"
        what = "anomalies" if self.way == "encoder" else "head"
        adapted = trained / f"{what}-{self.anomalies}-of-{self.drawn}"
        return adapted if self.anomalies else trained

    def run_folder(self, folder: Path) -> RunFolder:
        """Choose its run folder under an experiment's folder."""
        return RunFolder.of(self.out(folder), self.machine)

    def is_done(self, folder: Path) -> bool:
        """Tell whether it has run to its end."""
        return self.run_folder(folder).outcome.exists()

    def progress_in(self, folder: Path) -> int | None:
        """Count the iterations that its training has done; None before the first."""
        of_fleet = last_iteration(self.out(folder) / FLEET / METRICS) if self.trainer else None
        return of_fleet or last_iteration(self.run_folder(folder).metrics)


@dataclass(frozen=True)
class Setting:
    """What an experiment's tasks share: its folder, with its clips and its recipe.

    ``store`` is the feature store, where that is not what this process would choose.
    """

    folder: Path
    device: str = "auto"
    store: Path | None = None

    @property
    def needs_gpu(self) -> bool:
        """Whether each task needs a GPU of its own."""
        return self.device.startswith("cuda")

    def for_cluster(self) -> Setting:
        """Prepare it for other machines: absolute paths, a device that every node has."""
        return Setting(self.folder.absolute(), device_on_node(self.device), chosen_store())

    @property
    def clips(self) -> Manifest:
        return Manifest.read_csv(self.folder / CLIPS)

    @property
    def recipe(self) -> Recipe:
        return Recipe.load(self.folder / RECIPE)

    def run(self, task: Task, stop_requested: Callable[[], bool]) -> None:
        """Make the task's model, score it and leave the outcome; see ``run_task``."""
        use_store(self.store)
        run_task(task, self, stop_requested)


def draw_anomalies(clips: Manifest, machine: Machine, count: int, seed: int) -> list[Clip]:
    """Draw ``count`` of the machine's test anomalies; the first n of them are nested subsets.

    The draw depends on the clips' contents and the seed, not on names or folders.
    """
    table = clips.of(machine, split="test", label="anomaly").table.sort("content_hash")
    order = stream(seed, DRAW).permutation(table.height)[:count]
    return list(Manifest(table[order]))


def run_task(task: Task, setting: Setting, stop_requested: Callable[[], bool]) -> None:
    """Make the model, or go on making it, score the machine's test clips, leave the outcome."""
    started = time.monotonic()
    clips, recipe = setting.clips, setting.recipe.for_method(task.method)
    # Its figures rank clips and need no threshold: siblings would cost four more trainings.
    recipe = recipe.with_values(training={"cross_fit": False})
    drawn = draw_anomalies(clips, task.machine, task.drawn, task.seed)

    def on_clip() -> None:
        if stop_requested():
            raise Interrupted

    if task.anomalies and task.way == "head":
        detector = _by_head(task, setting, drawn[: task.anomalies], on_clip)
    else:
        job = _job(task, setting, clips, recipe, drawn[: task.anomalies])
        watch = Watch(on_clip=on_clip, stop_requested=stop_requested)
        bundles = run_in_folder(job, task.out(setting.folder), resume=True, watch=watch)
        detector = Detector.load(bundles[task.machine], device=setting.device)
    leave_outcome(
        task.run_folder(setting.folder),
        detector,
        clips,
        anomalies=task.anomalies,
        drawn=drawn,
        way=task.way,
        seconds=time.monotonic() - started,
        on_clip=on_clip,
    )


def _job(
    task: Task, setting: Setting, clips: Manifest, recipe: Recipe, anomalies: Sequence[Clip]
) -> Job:
    """Describe the training, or the adaptation by the encoder, that the task is."""
    if not task.anomalies:
        machines = able(clips, recipe) if task.trainer else [task.machine]
        (job,) = training_jobs(clips, machines, recipe, seed=task.seed, device=setting.device)
        return job
    learnt_from = Manifest.from_clips(anomalies)
    return AdaptJob(
        Detector.load(_start(task, setting), device=setting.device),
        learnt_from,
        Manifest(learnt_from.table.clear()),
        Recordings(clips),
        task.seed,
        device=setting.device,
    )


def _by_head(
    task: Task, setting: Setting, anomalies: Sequence[Clip], on_clip: Callable[[], None]
) -> Detector:
    """Adapt the head alone, as the command does, and leave its run folder.

    One that was interrupted is made again: that takes a second.
    """
    start = _start(task, setting)
    detector = Detector.load(start, device=setting.device)
    on_clip()
    given = sorted((replace(clip, split="train") for clip in anomalies), key=lambda clip: clip.path)
    adapted = adapt_head(detector.bundle(), detector, given, seed=task.seed).bundle
    write_head_run(task.run_folder(setting.folder), adapted, start, given, task.seed)
    return Detector.of(adapted, device=setting.device)


def _start(task: Task, setting: Setting) -> Path:
    """Find the bundle that an adaptation starts from."""
    return replace(task, anomalies=0, drawn=0, way="encoder").run_folder(setting.folder).bundle
