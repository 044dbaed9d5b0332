"""Run tasks: each once its parent is done, as many at a time as the workers allow.

A task that is done is never run again; one that was killed goes on from its checkpoint. A task
that fails is reported and stops only those that need its model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from rattle.errors import Interrupted, TrainingError

LOOK_EVERY_S = 0.5

# A task whose process died (killed, out of memory) is tried so often before it counts as failed.
ATTEMPTS = 3


class WorkerDied(Exception):  # noqa: N818 - what became of an attempt, never shown
    """Says that the process that ran a task ended before the task did."""


class AnyTask(Protocol):
    """A task of a grid: a value that sorts, and whose end shows in the grid's folder."""

    def __hash__(self) -> int: ...
    def __lt__(self, other: Any, /) -> bool: ...

    @property
    def title(self) -> str:
        """What it is called on the terminal."""

    @property
    def parent(self) -> Self | None:
        """The task that has to be done before."""

    def is_done(self, folder: Path, /) -> bool:
        """Tell whether it has run to its end in a grid's folder."""

    def progress_in(self, folder: Path, /) -> int | None:
        """Count the iterations done in a grid's folder; None where nothing tells."""


TaskT = TypeVar("TaskT", bound=AnyTask)
TaskT_contra = TypeVar("TaskT_contra", contravariant=True)


class Shared(Protocol[TaskT_contra]):
    """What tasks share; processes are sent it."""

    @property
    def needs_gpu(self) -> bool:
        """Whether each task needs a GPU of its own."""

    def for_cluster(self) -> Self:
        """Prepare it for the nodes of a cluster, which share this machine's files."""

    def run(self, task: TaskT_contra, stop_requested: Callable[[], bool], /) -> None:
        """Run a task to its end, or keep its state and raise ``Interrupted`` when asked to stop."""


class SharedFolder(Shared[TaskT_contra], Protocol[TaskT_contra]):
    """What all tasks of a grid share."""

    @property
    def folder(self) -> Path:
        """Where they run."""


class Workers(Protocol[TaskT_contra]):
    """Something that runs tasks: processes of this machine, or a cluster's."""

    @property
    def count(self) -> int:
        """How many tasks run at a time."""

    def submit(self, task: TaskT_contra, /) -> Future[None]:
        """Run a task; the future fails as the task does, or when its workers keep dying.

        After ``stop`` it fails with ``Interrupted``.
        """

    def stop(self) -> None:
        """Ask the running tasks to keep their state and stop; asking again does nothing."""


@dataclass
class Progress(Generic[TaskT]):
    """How far a grid is: what is done, and why tasks failed.

    ``running`` holds when each task began, in monotonic seconds; ``took_s`` how long each took
    that was done here.
    """

    shared: SharedFolder[TaskT]
    total: int
    done: list[TaskT] = field(default_factory=list)
    failed: dict[TaskT, BaseException] = field(default_factory=dict)
    running: dict[TaskT, float] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return self.total - len(self.done) - len(self.failed) - len(self.running)

    def left_s(self, workers: int) -> float | None:
        """Estimate the seconds left from how long tasks took so far; None before the first."""
        if not self.took_s:
            return None
        mean = sum(self.took_s) / len(self.took_s)
        now = time.monotonic()
        under_way = sum(min(now - began, mean) for began in self.running.values())
        return ((self.waiting + len(self.running)) * mean - under_way) / max(workers, 1)


def run_grid(
    tasks: Sequence[TaskT],
    shared: SharedFolder[TaskT],
    workers: Workers[TaskT],
    *,
    on_change: Callable[[Progress[TaskT]], None] = lambda _: None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> Progress[TaskT]:
    """Run every task that is not done, parents first, and return what became of them.

    Raises ``Interrupted`` after a stop was asked for and the running tasks have kept their state.
    """
    wanted = sorted(with_parents(tasks))
    progress = Progress(shared, len(wanted))
    progress.done += [task for task in wanted if task.is_done(shared.folder)]
    waiting = [task for task in wanted if task not in set(progress.done)]
    futures: dict[Future[None], TaskT] = {}
    stopping = False
    while futures or (waiting and not stopping):
        stopping = stopping or stop_requested()
        if stopping:
            workers.stop()
        for task in list(waiting):
            if task.parent in progress.failed:
                waiting.remove(task)
                needs = f"needs {task.parent.title}, which failed"
                progress.failed[task] = TrainingError(needs)
        for task in [] if stopping else _ready(waiting, progress, workers.count - len(futures)):
            waiting.remove(task)
            progress.running[task] = time.monotonic()
            futures[workers.submit(task)] = task
        on_change(progress)
        finished, _ = wait(futures, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
        for future in finished:
            task = futures.pop(future)
            _finish(task, future, progress)
            # An interrupted task is neither: the workers stop, whoever asked them to.
            stopping = stopping or not (task in progress.done or task in progress.failed)
    on_change(progress)
    if progress.waiting:
        raise Interrupted
    return progress


def with_parents(tasks: Iterable[TaskT]) -> set[TaskT]:
    """Add the tasks that have to be done before these, and those before them."""
    wanted: set[TaskT] = set()
    for task in tasks:
        before: TaskT | None = task
        while before is not None and before not in wanted:
            wanted.add(before)
            before = before.parent
    return wanted


def with_retries(attempt: Callable[[], None]) -> None:
    """Run a task, and again while its process dies under it.

    Raises ``TrainingError`` after ``ATTEMPTS`` deaths, and whatever else the attempt raises.
    """
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except WorkerDied:
            continue
    raise TrainingError(
        f"its process died {ATTEMPTS} times; if memory ran out, run fewer tasks at a time",
        argument="workers",
    )


def _ready(waiting: list[TaskT], progress: Progress[TaskT], count: int) -> list[TaskT]:
    done = set(progress.done)
    return [task for task in waiting if task.parent is None or task.parent in done][:count]


def _finish(task: TaskT, future: Future[None], progress: Progress[TaskT]) -> None:
    began = progress.running.pop(task)
    error = future.exception()
    if error is None:
        progress.done.append(task)
        progress.took_s.append(time.monotonic() - began)
    elif not isinstance(error, Interrupted):
        progress.failed[task] = error
