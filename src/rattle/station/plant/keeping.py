"""Do from time to time what is due: watch the sources, keep within the budgets, hold the lease.

One thread; a job that fails is logged, said on the health page, and tried again at its next time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Something that is done every so many seconds, first after ``first_s``."""

    name: str
    every_s: float
    do: Callable[[], None]
    first_s: float = 0.0


class Keeper:
    """The thread that does the jobs. ``clock`` counts seconds."""

    def __init__(self, jobs: Sequence[Job], clock: Callable[[], float]) -> None:
        self._clock = clock
        began = clock()
        self._due = {job.name: began + job.first_s for job in jobs}
        self._jobs = jobs
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="keeper", daemon=True)
        self.errors: dict[str, str] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """End after the job in work."""
        self._stopped.set()
        self._thread.join(patience_s)

    def do_due(self) -> None:
        """Do each job whose time has come."""
        for job in self._jobs:
            if self._clock() < self._due[job.name]:
                continue
            try:
                job.do()
                self.errors.pop(job.name, None)
            except Exception as error:
                # Whatever it is: the other jobs go on, and this one is tried again.
                if job.name not in self.errors:
                    _log.exception("%s failed", job.name)
                self.errors[job.name] = str(error) or type(error).__name__
            self._due[job.name] = self._clock() + job.every_s

    def _run(self) -> None:
        while not self._stopped.wait(1.0):
            self.do_due()
