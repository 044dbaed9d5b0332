"""Workers as processes of this machine, with its threads divided between them."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from threading import Lock
from types import TracebackType

from rattle.errors import TrainingError
from rattle.experiments.task import Setting, Task, run_task

# A task whose process died (killed, out of memory) is tried so often before it counts as failed.
ATTEMPTS = 3


class LocalWorkers:
    """``count`` processes of ``threads`` threads each. Use it as a context manager.

    When a process dies, the pool is broken as a whole: it is made anew, and what was running is
    tried again and goes on from its checkpoints.
    """

    def __init__(self, setting: Setting, count: int, threads: int) -> None:
        self.count = count
        self._setting, self._threads = setting, threads
        self._context = multiprocessing.get_context("spawn")
        self._stop: Event = self._context.Event()
        self._attempts: Counter[Task] = Counter()
        self._lock = Lock()
        self._pool = self._new_pool()

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._pool.shutdown(cancel_futures=True)

    def submit(self, task: Task) -> Future[None]:
        """Run the task in a process; see ``grid.Workers``."""
        result: Future[None] = Future()
        result.set_running_or_notify_cancel()
        self._try(task, result)
        return result

    def stop(self) -> None:
        """Ask the running tasks to keep their state and stop."""
        self._stop.set()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.count,
            mp_context=self._context,
            initializer=_begin,
            initargs=(self._stop, self._threads, os.getpid()),
        )

    def _try(self, task: Task, result: Future[None]) -> None:
        with self._lock:
            self._attempts[task] += 1
            pool = self._pool
            try:
                attempt = pool.submit(_run, task, self._setting)
            except BrokenProcessPool:
                pool = self._pool = self._new_pool()
                attempt = pool.submit(_run, task, self._setting)
        attempt.add_done_callback(lambda done: self._settle(task, pool, done, result))

    def _settle(
        self, task: Task, pool: ProcessPoolExecutor, attempt: Future[None], result: Future[None]
    ) -> None:
        error = attempt.exception()
        if not isinstance(error, BrokenProcessPool):
            result.set_exception(error) if error else result.set_result(None)
            return
        with self._lock:
            if self._pool is pool:
                self._pool = self._new_pool()
        if self._attempts[task] < ATTEMPTS:
            self._try(task, result)
        else:
            result.set_exception(
                TrainingError(
                    f"its process died {ATTEMPTS} times; if memory ran out, run fewer tasks at a "
                    "time with --workers"
                )
            )


class _Process:
    """What a worker process was started with."""

    stop: Event
    parent: int


def _begin(stop: Event, threads: int, parent: int) -> None:
    import signal

    import torch
    from threadpoolctl import threadpool_limits

    # Ctrl-C reaches the whole group; the parent decides and asks for a stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    _Process.stop, _Process.parent = stop, parent


def _run(task: Task, setting: Setting) -> None:
    # A worker whose parent was killed must not go on beside the parent's successor.
    run_task(task, setting, lambda: _Process.stop.is_set() or os.getppid() != _Process.parent)
