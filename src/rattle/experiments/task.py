"""A task: one model to make and to score."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from rattle.clips.amplitude import Amplitude
from rattle.clips.machine import Machine
from rattle.clips.manifest import Clip, Manifest
from rattle.detector import Detector
from rattle.detector.adapt import AdaptJob
from rattle.detector.fit import FitJob, Recordings, Watch
from rattle.errors import Interrupted, TrainingError
from rattle.features.store import FeatureStore
from rattle.learning.inference import TrainedNetwork
from rattle.pages.templates import counted
from rattle.recipe import Recipe
from rattle.recipe.parts import MethodName
from rattle.runs.outcome import FILE, Outcome, outcome_clip, write_embeddings
from rattle.runs.write import bundle_path, run_in_folder

# Of the generators that a seed starts, the one that draws anomalies.
DRAW = 64


@dataclass(frozen=True, order=True)
class Task:
    """A method trained for a machine with a seed, then adapted with some anomalies or with none.

    ``drawn`` of the machine's test anomalies are set apart for adaptation.
    """

    seed: int
    anomalies: int
    method: MethodName
    machine: Machine
    drawn: int = 0

    @property
    def title(self) -> str:
        adapted = f", {counted(self.anomalies, 'anomaly', 'anomalies')}" if self.anomalies else ""
        return f"{self.method} {self.machine} seed {self.seed}{adapted}"

    @property
    def parent(self) -> Task | None:
        """The task whose model this one adapts; None for a training."""
        return replace(self, anomalies=0, drawn=0) if self.anomalies else None

    def out(self, folder: Path) -> Path:
        """Where it runs under an experiment's folder."""
        place = folder / self.method / f"seed-{self.seed}"
        return place / f"anomalies-{self.anomalies}-of-{self.drawn}" if self.anomalies else place

    def run_folder(self, folder: Path) -> Path:
        return self.out(folder) / self.machine.slug

    def is_done(self, folder: Path) -> bool:
        """Whether it has run to its end."""
        return (self.run_folder(folder) / FILE).exists()


@dataclass(frozen=True)
class Setting:
    """What an experiment's tasks share: its folder, with ``clips.csv`` and ``recipe.toml``."""

    folder: Path
    device: str = "auto"

    @property
    def clips(self) -> Manifest:
        return Manifest.read_csv(self.folder / "clips.csv")

    @property
    def recipe(self) -> Recipe:
        return Recipe.load(self.folder / "recipe.toml")

    def run(self, task: Task, stop_requested: Callable[[], bool]) -> None:
        """``run_task``."""
        run_task(task, self, stop_requested)


def draw_anomalies(clips: Manifest, machine: Machine, count: int, seed: int) -> list[Clip]:
    """``count`` of the machine's test anomalies by chance; the first n of them are nested subsets.

    The draw depends on the clips' contents and the seed, not on names or folders.
    """
    table = clips.of(machine, split="test", label="anomaly").table.sort("content_hash")
    order = np.random.default_rng([seed, DRAW]).permutation(table.height)[:count]
    return list(Manifest(table[order]))


def run_task(task: Task, setting: Setting, stop_requested: Callable[[], bool]) -> None:
    """Make the model, or go on making it, score the machine's test clips, leave the outcome."""
    started = time.monotonic()
    clips, recipe = setting.clips, setting.recipe.for_method(task.method)
    drawn = draw_anomalies(clips, task.machine, task.drawn, task.seed)

    def on_clip() -> None:
        if stop_requested():
            raise Interrupted

    watch = Watch(on_clip=on_clip, stop_requested=stop_requested)
    job: FitJob | AdaptJob
    if task.parent is None:
        job = FitJob(
            clips,
            task.machine,
            recipe,
            task.seed,
            device=setting.device,
            watch=watch,
        )
    else:
        parent = bundle_path(task.parent.out(setting.folder), task.machine)
        given = Manifest.from_clips(drawn[: task.anomalies])
        job = AdaptJob(
            Detector.load(parent, device=setting.device),
            given,
            Manifest(given.table.clear()),
            Recordings(clips),
            task.seed,
            device=setting.device,
            watch=watch,
        )
    bundle = run_in_folder(job, task.out(setting.folder), resume=True)
    detector = Detector.load(bundle, device=setting.device)
    leave_outcome(
        task.run_folder(setting.folder),
        detector,
        clips,
        anomalies=task.anomalies,
        drawn=drawn,
        seconds=time.monotonic() - started,
        on_clip=on_clip,
    )


def leave_outcome(
    folder: Path,
    detector: Detector,
    clips: Manifest,
    *,
    anomalies: int = 0,
    drawn: Sequence[Clip] = (),
    seconds: float = 0.0,
    on_clip: Callable[[], None] = lambda: None,
) -> Outcome:
    """Score the machine's test clips and write their embeddings and the outcome to ``folder``.

    Clips that the detector learnt from are left out, but for the anomalies drawn. ``on_clip`` is
    called for each clip whose features were computed and for each one scored.

    Raises ``ClipError`` for a clip that cannot be read and ``TrainingError`` where the model's
    figures are not finite.
    """
    info, recipe, model = detector.info, detector.recipe, detector.model
    seen = (*info.provenance.trained, *info.provenance.held_out, *info.provenance.validation)
    test = clips.of(detector.machine, split="test")
    test = Manifest(test.table.filter(~pl.col("content_hash").is_in(seen)))
    store = FeatureStore(recipe.audio, recipe.features)
    statistics = Amplitude(info.amplitude.mean, info.amplitude.deviation)
    log_mels = store.pack(test, statistics, on_clip)
    found, embeddings = [], []
    for clip, log_mel in zip(test, log_mels, strict=True):
        if isinstance(model, TrainedNetwork):
            parts, embedding = model.parts_and_embedding(log_mel)
            embeddings.append(embedding)
        else:
            parts = model.parts(log_mel)
        if not parts.is_finite:
            raise TrainingError(
                f"the model of {detector.machine} gives {clip.path} a figure that is not finite; "
                "lower the learning rates in the recipe, and start in another folder with --out"
            )
        found.append(outcome_clip(clip, parts))
        on_clip()
    if embeddings:
        write_embeddings(folder, np.stack(embeddings))
    mix = detector.mix()
    outcome = Outcome(
        method=recipe.method,
        machine=str(detector.machine),
        seed=info.provenance.seed,
        anomalies=anomalies,
        recipe=recipe.name,
        network="" if recipe.baseline else recipe.network.name,
        alpha=mix.alpha,
        low=mix.scale.low,
        high=mix.scale.high,
        threshold=detector.threshold.value,
        drawn=tuple(clip.content_hash for clip in drawn),
        clips=tuple(found),
        seconds=round(seconds, 3),
    )
    outcome.write(folder)
    return outcome
