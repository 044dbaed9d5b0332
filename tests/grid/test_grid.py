"""The order of tasks, with workers that only pretend to work."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.clips.machine import Machine
from rattle.errors import DataError, Interrupted, TrainingError
from rattle.experiments.task import Setting, Task
from rattle.grid.run import ATTEMPTS, Progress, WorkerDied, run_grid, with_retries

FAN, PUMP = Machine("fan", "id_00"), Machine("pump", "id_00")
TRAINING = Task(0, 0, "bce", FAN)
CHILD = Task(0, 4, "bce", FAN, 8)

tasks = st.builds(
    lambda seed, anomalies, machine: Task(seed, anomalies, "bce", machine, 8 if anomalies else 0),
    st.integers(0, 1),
    st.sampled_from([0, 0, 4, 8]),
    st.sampled_from([FAN, PUMP]),
)


class Pretence:
    """Workers whose tasks end when the test says so."""

    def __init__(self, count: int = 2) -> None:
        self.count = count
        self.begun: list[Task] = []
        self.under_way: dict[Task, Future[None]] = {}
        self.stopped = False

    def submit(self, task: Task) -> Future[None]:
        assert not self.stopped
        self.begun.append(task)
        self.under_way[task] = Future()
        return self.under_way[task]

    def stop(self) -> None:
        self.stopped = True
        for task in list(self.under_way):
            self.end(task, Interrupted())

    def end(self, task: Task, error: Exception | None = None) -> None:
        future = self.under_way.pop(task)
        future.set_exception(error) if error else future.set_result(None)

    def end_first(self, _: object = None) -> None:
        if self.under_way:
            self.end(next(iter(self.under_way)))


def done_in(folder: Path, *done: Task) -> Setting:
    for task in done:
        task.run_folder(folder).path.mkdir(parents=True)
        task.run_folder(folder).outcome.touch()
    return Setting(folder)


@given(
    grid=st.sets(tasks, max_size=10),
    done=st.sets(tasks, max_size=3),
    failing=st.sets(tasks, max_size=3),
    count=st.integers(1, 4),
    data=st.data(),
)
def test_every_task_runs_once_after_its_parent_unless_it_is_done_or_its_parent_failed(
    grid: set[Task], done: set[Task], failing: set[Task], count: int, data: Any
) -> None:
    workers = Pretence(count)
    finished: set[Task] = set(done)

    def on_change(progress: Progress) -> None:
        assert set(progress.running) == set(workers.under_way)
        assert len(workers.under_way) <= count
        assert all(not task.parent or task.parent in finished for task in workers.under_way)
        if workers.under_way:
            task = data.draw(st.sampled_from(sorted(workers.under_way)))
            workers.end(task, DataError("no clip") if task in failing else None)
            finished.update({task} - failing)

    with tempfile.TemporaryDirectory() as folder:
        progress = run_grid(
            sorted(grid), done_in(Path(folder), *done), workers, on_change=on_change
        )

    wanted = grid | {task.parent for task in grid if task.parent}
    failed = (wanted & failing) - done
    orphans = {task for task in wanted - done if task.parent in failed}
    assert len(workers.begun) == len(set(workers.begun))
    assert set(workers.begun) == wanted - done - orphans
    assert set(progress.done) == wanted - failed - orphans
    assert set(progress.failed) == failed | orphans
    assert progress.total == len(wanted)
    assert progress.waiting == 0
    for task in orphans - failed:
        assert str(progress.failed[task]) == f"needs {task.parent.title}, which failed"  # type: ignore[union-attr]


@given(grid=st.sets(tasks, min_size=1, max_size=10), after=st.integers(0, 12))
def test_nothing_begins_after_a_stop_and_what_is_left_makes_it_an_interruption(
    grid: set[Task], after: int
) -> None:
    workers = Pretence()
    seen: list[Progress] = []

    def on_change(progress: Progress) -> None:
        seen.append(progress)
        workers.end_first()

    def run() -> Progress:
        with tempfile.TemporaryDirectory() as folder:
            return run_grid(
                sorted(grid),
                Setting(Path(folder)),
                workers,
                on_change=on_change,
                stop_requested=lambda: len(seen) >= after,
            )

    wanted = grid | {task.parent for task in grid if task.parent}
    if after >= len(wanted):  # a task ends at each change
        assert set(run().done) == wanted
    else:
        with pytest.raises(Interrupted):
            run()
        assert workers.stopped
        assert len(seen[-1].done) < len(wanted)
    assert not seen[-1].running
    assert not seen[-1].failed


def test_a_stop_while_all_that_is_left_runs_is_an_interruption(tmp_path: Path) -> None:
    workers = Pretence()
    with pytest.raises(Interrupted):
        run_grid(
            [TRAINING],
            Setting(tmp_path),
            workers,
            stop_requested=lambda: bool(workers.under_way),
        )
    assert workers.stopped


def test_a_task_that_is_interrupted_unasked_stops_the_others(tmp_path: Path) -> None:
    workers = Pretence()

    def on_change(_: Progress) -> None:
        if TRAINING in workers.under_way:
            workers.end(TRAINING, Interrupted())

    grid = [CHILD, Task(0, 0, "bce", PUMP), Task(1, 0, "bce", PUMP)]
    with pytest.raises(Interrupted):
        run_grid(grid, Setting(tmp_path), workers, on_change=on_change)
    assert workers.begun == [TRAINING, grid[1]]
    assert workers.stopped


def test_a_stop_lets_a_task_that_ends_in_the_meantime_be_done(tmp_path: Path) -> None:
    class Quick(Pretence):
        def stop(self) -> None:
            self.end_first()

    workers = Quick()
    progress = run_grid(
        [TRAINING], Setting(tmp_path), workers, stop_requested=lambda: bool(workers.under_way)
    )
    assert progress.done == [TRAINING]


def test_what_a_task_failed_with_is_kept_as_it_was_raised(tmp_path: Path) -> None:
    workers = Pretence()
    errors = {FAN: DataError("10 clips are needed"), PUMP: KeyError("path")}

    def on_change(_: Progress) -> None:
        for task in list(workers.under_way):
            workers.end(task, errors[task.machine])

    grid = [TRAINING, Task(0, 0, "bce", PUMP)]
    progress = run_grid(grid, Setting(tmp_path), workers, on_change=on_change)
    assert progress.failed == {task: errors[task.machine] for task in grid}


@pytest.mark.parametrize("deaths", range(ATTEMPTS + 1))
def test_a_task_survives_all_deaths_of_its_process_but_the_last(deaths: int) -> None:
    tried = 0

    def attempt() -> None:
        nonlocal tried
        tried += 1
        if tried <= deaths:
            raise WorkerDied

    if deaths < ATTEMPTS:
        with_retries(attempt)
        assert tried == deaths + 1
    else:
        with pytest.raises(TrainingError, match=r"process died 3 times; .*fewer tasks") as told:
            with_retries(attempt)
        assert told.value.arguments == ("workers",)
        assert tried == ATTEMPTS


@pytest.mark.parametrize("error", [DataError("no clip"), Interrupted(), OSError(28, "full")])
def test_a_task_that_fails_by_itself_is_not_tried_again(error: Exception) -> None:
    tried = []

    def attempt() -> None:
        tried.append(1)
        raise error

    with pytest.raises(type(error)):
        with_retries(attempt)
    assert tried == [1]


def test_the_time_left_is_the_mean_time_of_what_is_left_shared_out() -> None:
    progress = Progress(Setting(Path()), total=6)
    assert progress.left_s(2) is None
    progress.done, progress.took_s = [TRAINING, CHILD], [10.0, 20.0]
    assert progress.left_s(1) == 4 * 15
    assert progress.left_s(2) == 2 * 15
