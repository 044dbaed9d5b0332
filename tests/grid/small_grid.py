"""A small grid of tasks, what it leaves, and ways to disturb it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rattle.clips.machine import Machine
from rattle.experiments.task import Setting, Task
from rattle.runs.outcome import Outcome

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")
TRAINING = Task(0, 0, "bce+ddcsad", FAN)
# Two trainings, each adapted with one and with both of the anomalies drawn, and a baseline.
GRID = (
    *(Task(0, count, "bce+ddcsad", of, 2) for of in (FAN, VALVE) for count in (1, 2)),
    Task(0, 0, "gmm", FAN),
)
ALL = sorted({*GRID, *(task.parent for task in GRID if task.parent)})
# A baseline cannot learn from anomalies, and no other task needs this one.
FAILING = Task(0, 1, "gmm", FAN, 2)

Left = dict[Task, tuple[Outcome, bytes]]


def left_by(setting: Setting) -> Left:
    """The outcome, but for the time it took, and the embeddings of every task that is done."""
    found = {}
    for task in ALL:
        if task.is_done(setting.folder):
            folder = task.run_folder(setting.folder)
            outcome = Outcome.read(folder.outcome).model_copy(update={"seconds": 0.0})
            embeddings = folder.embeddings
            found[task] = outcome, embeddings.read_bytes() if embeddings.exists() else b""
    return found


def checkpoint(task: Task, setting: Setting) -> Path:
    return task.run_folder(setting.folder).checkpoint


@contextmanager
def killed_on_the_way(task: Task, setting: Setting) -> Iterator[list[int]]:
    """Kill the process that runs a training once, when it has left its first checkpoint.

    Gives a list that holds the process when it was killed.
    """
    victims: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            if checkpoint(task, setting).exists() and (process := running(task, setting)):
                os.kill(process, signal.SIGKILL)
                victims.append(process)
                return

    killer = threading.Thread(target=watch)
    killer.start()
    try:
        yield victims
    finally:
        over.set()
        killer.join()


def running(task: Task, setting: Setting) -> int | None:
    """The process that writes a training's metrics now, as Linux tells."""
    metrics = task.run_folder(setting.folder).metrics
    if not metrics.exists():
        return None
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == metrics:
                return int(link.parts[2])
        except OSError:
            continue  # it has ended or closed the file in the meantime
    return None


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for a condition; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
