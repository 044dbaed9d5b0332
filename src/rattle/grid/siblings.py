"""Train the siblings of a training side by side, a process each, before the training itself."""

from __future__ import annotations

from collections.abc import Callable

from rattle.cores import cores
from rattle.grid.local import LocalWorkers
from rattle.grid.run import Progress, run_grid
from rattle.runs.siblings import SiblingRun, SiblingRuns


def train_siblings(
    shared: SiblingRuns,
    count: int,
    *,
    on_change: Callable[[Progress[SiblingRun]], None],
    stop: Callable[[], bool],
) -> None:
    """Train ``count`` at a time, with the cores divided between them.

    Raises what the first that fails raises, and ``Interrupted`` after a stop was asked for.
    """
    tasks = [SiblingRun(turn) for turn in range(1, 1 + len(shared.job.siblings))]
    threads = max(cores() // count, 1)
    with LocalWorkers(shared, count, threads) as hired:
        progress = run_grid(tasks, shared, hired, on_change=on_change, stop_requested=stop)
    for error in progress.failed.values():
        raise error
