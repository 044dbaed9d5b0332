"""Run tasks in processes of this machine, with its threads divided between them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from ctypes import c_bool
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic

from rattle.errors import Interrupted
from rattle.grid.run import Shared, TaskT_contra, WorkerDied, with_retries

SPAWN = multiprocessing.get_context("spawn")
# What a process says once it has loaded all that its task takes, which lasts seconds.
BEGUN = "begun"
LOOK_EVERY_S = 0.1


class LocalWorkers(Generic[TaskT_contra]):
    """``count`` processes of ``threads`` threads each. Use it as a context manager.

    A thread for each process waits for it. When a process dies, only its own task is tried again,
    by a new process, and goes on from its checkpoint.
    """

    def __init__(self, shared: Shared[TaskT_contra], count: int, threads: int) -> None:
        self.count = count
        self._shared, self._threads_each = shared, threads
        # Without a lock, which a process killed at the wrong moment would never give back.
        self._stop = SPAWN.RawValue(c_bool, False)
        resource_tracker.ensure_running()  # in a thread its start would unblock SIGINT there
        self._waiting = ThreadPoolExecutor(count, initializer=_leave_interrupts_to_main)
        self._idle: list[_Process] = []
        self._processes: set[_Process] = set()

    def __enter__(self) -> LocalWorkers[TaskT_contra]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:  # whoever interrupts a second time does not want to wait
            for process in list(self._processes):
                process.kill()
        self._waiting.shutdown(cancel_futures=True)
        for process in self._processes:
            process.close()

    def submit(self, task: TaskT_contra, /) -> Future[None]:
        """Run the task in a process; see ``Workers``."""
        return self._waiting.submit(with_retries, lambda: self._attempt(task))

    def stop(self) -> None:
        """Ask the running tasks to keep their state and stop."""
        self._stop.value = True

    def _attempt(self, task: TaskT_contra) -> None:
        if self._stop.value:
            raise Interrupted
        try:
            process = self._idle.pop()
        except IndexError:
            process = _Process(self._stop, self._threads_each)
            self._processes.add(process)
        try:
            process.run(task, self._shared)
        finally:
            if process.died:
                self._processes.discard(process)
                process.close()
            else:
                self._idle.append(process)


class _Process:
    """A process of this machine that runs one task after another."""

    def __init__(self, stop: c_bool, threads: int) -> None:
        self._stop = stop
        self._connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs, stop, threads), daemon=True)
        self._process.start()
        theirs.close()  # so that the connection ends when the process does
        self.died = False

    def run(self, task: TaskT_contra, shared: Shared[TaskT_contra]) -> None:
        """Run a task to its end; raises what it fails with, or ``WorkerDied``.

        Where a stop is asked for before the task has begun, the process is killed: it has done
        nothing that would be lost, and could not be asked.
        """
        try:
            self._connection.send((task, shared))
            while not self._connection.poll(LOOK_EVERY_S):
                if self._stop.value:
                    self.died = True
                    self.kill()
                    raise Interrupted
            self._connection.recv()  # BEGUN
            failure = self._connection.recv()
        except (EOFError, ConnectionError):
            self.died = True
            raise WorkerDied from None
        if failure is not None:
            raise failure

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """Let it end, which an idle one does at once."""
        self._connection.close()
        self._process.join()


def limit_threads(threads: int) -> None:
    """Let torch, BLAS and OpenMP use so many threads, also in libraries that are loaded later."""
    import torch
    from threadpoolctl import threadpool_limits

    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def _leave_interrupts_to_main() -> None:
    # Ctrl-C reaches the whole group, but only the main process decides what to do. Processes
    # inherit what the thread that starts them blocks, so that none is hit while it starts up.
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(connection: Connection, stop: c_bool, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_threads(threads)
    while True:
        try:
            task, shared = connection.recv()
        except EOFError:
            return
        connection.send(BEGUN)
        failure = _failure(task, shared, stop)
        try:
            connection.send(failure)
        except Exception:  # an error that cannot be pickled must not look like a dead process
            connection.send(RuntimeError(f"{type(failure).__name__}: {failure}"))


def _failure(task: Any, shared: Shared[Any], stop: c_bool) -> Exception | None:
    try:
        shared.run(task, lambda: bool(stop.value))
    except Exception as error:
        return error
    return None


def _end_with_parent() -> None:
    # A killed parent cannot say good-bye. Whoever goes on in its place must be alone in the folder.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
