"""Show a grid of tasks on the terminal: features, what runs, what failed, time left."""

from __future__ import annotations

import sys
import time
from typing import Any

from rattle.cli.terminal.live import LiveLines
from rattle.cli.terminal.options import told
from rattle.clips.machine import Machine
from rattle.errors import RattleError
from rattle.grid.run import Progress

PLAIN_EVERY_S = 30.0
SHOWN_FAILURES = 5


class GridView(LiveLines):
    """A live view on a terminal; piped, a line whenever a task ends and now and then."""

    def __init__(self, workers: int, tasks: str = "tasks") -> None:
        super().__init__(refresh_per_second=4)
        self._workers, self._tasks = workers, tasks
        self._features = ""
        self._clips = 0
        self._ended = -1
        self._said_at = 0.0

    def on_machine(self, machine: Machine, number: int, machines: int) -> None:
        """Show that a machine's features are looked at."""
        self._features, self._clips = f"features of {machine} ({number} of {machines})", 0
        self._show_features(self._features)

    def on_clip(self) -> None:
        """Count one more clip whose features were computed."""
        self._clips += 1
        self._show_features(f"{self._features}: clip {self._clips}")

    def show(self, progress: Progress[Any]) -> None:
        """Show the state of the grid."""
        if self.is_terminal:
            # Failures first: what does not fit the terminal's height is cut off below.
            self.update(self._summary(progress), *_failures(progress), *_running(progress))
            return
        ended, now = len(progress.done) + len(progress.failed), time.monotonic()
        if ended != self._ended or now - self._said_at >= PLAIN_EVERY_S:
            self._ended, self._said_at = ended, now
            running = "; ".join(line.strip() for line in _running(progress))
            line = self._summary(progress) + (f": {running}" if running else "")
            print(line, file=sys.stderr, flush=True)

    def _show_features(self, line: str) -> None:
        now = time.monotonic()
        if self.is_terminal:
            self.update(line)
        elif now - self._said_at >= PLAIN_EVERY_S:
            self._said_at = now
            print(line, file=sys.stderr, flush=True)

    def _summary(self, progress: Progress[Any]) -> str:
        left_s = progress.left_s(self._workers) if progress.running or progress.waiting else None
        left = "" if left_s is None else f", about {_duration(left_s)} left"
        failed = f", {len(progress.failed)} failed" if progress.failed else ""
        return (
            f"{len(progress.done)} of {progress.total} {self._tasks} done, "
            f"{len(progress.running)} running{failed}{left}"
        )


def why_failed(error: BaseException) -> str:
    """Word why a task failed: our errors with what to type, others with their kind."""
    return told(error) if isinstance(error, RattleError) else f"{type(error).__name__}: {error}"


def _running(progress: Progress[Any]) -> list[str]:
    now, folder = time.monotonic(), progress.shared.folder
    lines = []
    for task, began in progress.running.items():
        iteration = task.progress_in(folder)
        reached = "" if iteration is None else f"iteration {iteration}, "
        lines.append(f"  {task.title}: {reached}{_duration(now - began)}")
    return lines


def _failures(progress: Progress[Any]) -> list[str]:
    lines = [
        f"  FAILED {task.title}: {_one_line(why_failed(error))}"
        for task, error in progress.failed.items()
    ]
    return lines[:SHOWN_FAILURES]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
