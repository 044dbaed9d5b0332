"""Run tasks on the nodes of a Ray cluster (extra ``cluster``).

Every node needs the experiment's folder and the recordings under the same paths (a file system
that all share), and the same rattle, Python and libraries. For the same numbers as elsewhere they
need to be the same kind of machine, as between any two machines.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Generic

from rattle.errors import Interrupted, TrainingError
from rattle.grid.local import limit_threads
from rattle.grid.run import Shared, TaskT_contra, WorkerDied, with_retries

if TYPE_CHECKING:
    from ray import ObjectRef

ANSWER_WITHIN_S = 5.0
# Read when Ray is loaded. The second keeps a dead worker's state of many pages off the output.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}


class RayWorkers(Generic[TaskT_contra]):
    """``count`` tasks at a time on a cluster, ``threads`` of its CPUs each; a context manager.

    ``address`` is ``auto`` (``$RAY_ADDRESS``, or a cluster that runs on this machine) or HOST:PORT
    of the cluster's head; this machine has to be one of its nodes. Without ``count`` as many tasks
    run as the nodes have CPUs for at the start; a cluster that grows on demand needs it. Where
    tasks need a GPU, each gets one.

    Raises ``TrainingError`` where Ray is not installed, no cluster answers, or no node has
    ``threads`` CPUs.
    """

    def __init__(
        self,
        shared: Shared[TaskT_contra],
        address: str,
        *,
        count: int | None = None,
        threads: int = 1,
    ) -> None:
        on_gpu = shared.needs_gpu
        self._shared: Shared[TaskT_contra] = shared.for_cluster()
        self._threads_each = threads
        _connect(address)
        import ray

        self.count = count or count_slots({"CPU": threads} | ({"GPU": 1} if on_gpu else {}))
        if not self.count:
            ray.shutdown()
            raise TrainingError(
                f"no node of the Ray cluster at {address} has {threads} CPUs"
                f"{' and a GPU' if on_gpu else ''}; give each task fewer threads",
                argument="threads",
            )
        # Attempts are counted here: Ray by itself would retry without end when memory runs out.
        self._run = ray.remote(
            num_cpus=threads, num_gpus=int(on_gpu), max_retries=0, retry_exceptions=False
        )(_run)
        self._waiting = ThreadPoolExecutor(self.count)
        self._running: set[ObjectRef[None]] = set()
        self._lock, self._stopping = threading.Lock(), False

    def __enter__(self) -> RayWorkers[TaskT_contra]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import ray

        self.stop()
        if error is not None:  # whoever interrupts a second time does not want to wait
            ray.shutdown()
        self._waiting.shutdown(cancel_futures=True)
        ray.shutdown()

    def submit(self, task: TaskT_contra, /) -> Future[None]:
        """Run the task on a node; see ``Workers``."""
        return self._waiting.submit(with_retries, lambda: self._attempt(task))

    def stop(self) -> None:
        """Ask the running tasks to keep their state and stop."""
        import ray

        with self._lock:
            self._stopping = True
            for reference in self._running:
                ray.cancel(reference)

    def _attempt(self, task: TaskT_contra) -> None:
        import ray
        from ray import exceptions

        with self._lock:
            if self._stopping:
                raise Interrupted
            reference = self._run.remote(task, self._shared, self._threads_each)
            self._running.add(reference)
        try:
            ray.get(reference)
        except exceptions.TaskCancelledError:
            raise Interrupted from None
        except exceptions.RayTaskError as error:
            raise error.cause from None
        except (
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.OutOfMemoryError,
        ):
            raise WorkerDied from None
        finally:
            with self._lock:
                self._running.discard(reference)


def _run(task: Any, shared: Shared[Any], threads: int) -> None:
    limit_threads(threads)
    with _cancelled() as cancelled:
        shared.run(task, cancelled)


@contextmanager
def _cancelled() -> Iterator[Callable[[], bool]]:
    """Tell whether ``ray.cancel`` was called for the task, which would else be cut off at once."""
    asked = False

    def ask(_: int, __: FrameType | None) -> None:
        nonlocal asked
        asked = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def _connect(address: str) -> None:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        from ray._private.services import canonicalize_bootstrap_address
    except ImportError:
        raise TrainingError(
            "a cluster needs Ray, which is not installed: pip install 'rattle[cluster]'",
            argument="ray",
        ) from None
    before = signal.getsignal(signal.SIGTERM)
    try:
        # Ray itself would look for a dead head for minutes.
        bootstrap = canonicalize_bootstrap_address(address)
        if bootstrap is None:
            raise ValueError("expected auto or HOST:PORT")
        host, _, port = bootstrap.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_WITHIN_S).close()
        ray.init(address=bootstrap, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(
            f"no Ray cluster can be used at {address} ({reason}); use this machine alone, or start "
            "a cluster with ray start and give its address as HOST:PORT",
            argument="ray",
        ) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray puts its own there


def count_slots(needs: dict[str, int]) -> int:
    """Count the tasks with such needs of each resource that the nodes can run at a time."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    count = 0
    for node in nodes:
        has: dict[str, float] = node["Resources"] if node["Alive"] else {}
        count += min(int(has.get(name, 0) // need) for name, need in needs.items())
    return count
