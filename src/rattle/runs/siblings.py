"""Train siblings of a training beside each other: tasks of a grid (``detector.cross_fit``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rattle.detector.cross_fit import score_sibling
from rattle.detector.job import Job, Watch
from rattle.errors import Interrupted
from rattle.runs.files import last_iteration
from rattle.runs.folder import RunFolder
from rattle.runs.node import chosen_store, use_store
from rattle.runs.write import metrics_log


@dataclass(frozen=True, order=True)
class SiblingRun:
    """One sibling's training, the ``turn``-th from 1; done when what it said is kept."""

    turn: int

    @property
    def title(self) -> str:
        return f"sibling {self.turn}"

    @property
    def parent(self) -> SiblingRun | None:
        return None

    def is_done(self, folder: Path) -> bool:
        """Tell whether what it said is kept."""
        return (folder / f"sibling-{self.turn}.json").exists()

    def progress_in(self, folder: Path) -> int | None:
        """Count the iterations that it has done; None before the first."""
        return last_iteration(self.metrics(folder))

    def metrics(self, folder: Path) -> Path:
        """Choose where in the run folder its steps are logged."""
        return folder / f"sibling-{self.turn}.jsonl"


@dataclass(frozen=True)
class SiblingRuns:
    """What siblings share: the run folder and identity of the ``job`` that they are siblings of."""

    folder: Path
    job: Job
    identity: str
    store: Path | None = None

    @property
    def needs_gpu(self) -> bool:
        """Whether each needs a GPU of its own."""
        return self.job.device.startswith("cuda")

    def for_cluster(self) -> SiblingRuns:
        """Prepare them for other machines: absolute paths."""
        return replace(self, folder=self.folder.absolute(), store=chosen_store())

    def run(self, task: SiblingRun, stop_requested: Callable[[], bool]) -> None:
        """Train a sibling, or go on with its training."""
        use_store(self.store)

        def on_clip() -> None:
            if stop_requested():
                raise Interrupted

        sibling = self.job.siblings[task.turn - 1]
        checkpoint = RunFolder(self.folder).checkpoint
        self.folder.mkdir(parents=True, exist_ok=True)
        with metrics_log(task.metrics(self.folder)) as log:
            watch = Watch(
                on_clip=on_clip,
                on_sibling_step=lambda _, step: log(step),
                stop_requested=stop_requested,
            )
            score_sibling(sibling, task.turn, self.identity, watch, checkpoint)
