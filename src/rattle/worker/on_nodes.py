"""Have the nodes of a cluster do the trainings of large fleets: as many at a time as it has room.

    each round:  the next job of each station ──▶ a node: fetch, train, hear, send ──▶ its station

A node is sent the job alone: its sound comes from the station, and what was made goes there. One
that dies costs a try of the cluster's and none of the station's: the job stays this worker's.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event

from rattle.errors import Interrupted
from rattle.grid.run import Workers
from rattle.runs.node import device_on_node
from rattle.worker.rounds import ASKS_EVERY_S, ENDED, KEPT_S, Made, claimed, done, fail, sent
from rattle.worker.station import Job, Station
from rattle.worker.work import PREFIX, Means, remove_abandoned

_log = logging.getLogger(__name__)

LOOKS_EVERY_S = 1.0


@dataclass(frozen=True)
class Training:
    """A job of the station at ``url``."""

    url: str
    job: Job


@dataclass(frozen=True)
class Trainings:
    """What all trainings share: the worker's ``name`` and ``token``, and what it trains with."""

    name: str
    token: str | None = field(repr=False)
    means: Means

    @property
    def needs_gpu(self) -> bool:
        """Whether each training needs a GPU of its own."""
        return self.means.device.startswith("cuda")

    def for_cluster(self) -> Trainings:
        """Prepare them for other machines: a device that every node has."""
        device = device_on_node(self.means.device)
        return replace(self, means=replace(self.means, device=device))

    def run(self, training: Training, stop_requested: Callable[[], bool]) -> None:
        """Do a job and send what came of it; its station is told what went wrong."""
        opens = partial(Station, training.url, self.name, self.token)
        station = opens()
        remove_abandoned()
        with tempfile.TemporaryDirectory(prefix=PREFIX) as at:
            path = Path(at) / f"{training.job.id}.zip"
            if not done(station, opens, training.job, self.means, stop_requested, path):
                return
            made = Made(station, training.job, path, time.monotonic() + KEPT_S)
            while not sent(made) and not stop_requested():
                time.sleep(ASKS_EVERY_S)


def spread(opened: Sequence[Callable[[], Station]], nodes: Workers[Training], stop: Event) -> None:
    """Give the jobs of stations to nodes, in turn, until ``stop`` is set; then end those running.

    ``opened`` open a line to each. Raises ``RattleError`` where one refuses the worker.
    """
    stations = [each() for each in opened]
    away: set[str] = set()
    running: dict[Future[None], tuple[Station, Job]] = {}
    while not stop.is_set():
        before = len(running)
        for station in stations:
            job = claimed(station, away) if len(running) < nodes.count else None
            if job is not None:
                _log.info("%s: given to the cluster, job %s", job.machine, job.id)
                running[nodes.submit(Training(station.url, job))] = station, job
        if len(running) == before:
            _wait(running, stop)
        for future in [each for each in running if each.done()]:
            _conclude(future, *running.pop(future))
    nodes.stop()
    wait(running)
    for future, of in running.items():
        _conclude(future, *of)


def _wait(running: Collection[Future[None]], stop: Event) -> None:
    """Wait until a training ends, the worker is to, or it is time to ask stations again."""
    until = time.monotonic() + ASKS_EVERY_S
    while time.monotonic() < until and not stop.wait(LOOKS_EVERY_S):
        if any(each.done() for each in running):
            return


def _conclude(future: Future[None], station: Station, job: Job) -> None:
    """Tell the station of a job that no node could do; what a node did, it told itself."""
    error = future.exception()
    if error is None:
        _log.info("%s: the node is done, job %s", job.machine, job.id)
    elif isinstance(error, Interrupted):
        fail(station, job, ENDED, for_good=False)
    else:
        _log.warning("%s: %s", job.machine, error)
        fail(station, job, f"on the cluster: {error}", for_good=False)
