"""Ask one station after the other for something to do, until someone ends the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event

from rattle.errors import Interrupted, RattleError, StorageError
from rattle.worker.station import Away, Job, NotOurs, Station
from rattle.worker.work import Means, do

_log = logging.getLogger(__name__)

ASKS_EVERY_S = 5.0


def rounds(opened: Sequence[Callable[[], Station]], means: Means, stop: Event) -> None:
    """Do what stations have for a worker, in turn. ``opened`` open a line to each.

    One that is away is asked again. Raises ``RattleError`` where one refuses the worker.
    """
    stations = [(each(), each) for each in opened]
    away: set[str] = set()
    while not stop.is_set():
        did_any = False
        for station, again in stations:
            if stop.is_set():
                return
            try:
                job = station.claim()
                if station.url in away:
                    away.discard(station.url)
                    _log.info("%s is there again", station.url)
            except (Away, NotOurs) as error:
                if station.url not in away:
                    away.add(station.url)
                    _log.warning("%s is away and is asked again: %s", station.url, error)
                continue
            if job is not None:
                did_any = True
                one(station, again, job, means, stop)
        if not did_any:
            stop.wait(ASKS_EVERY_S)


def one(
    station: Station, again: Callable[[], Station], job: Job, means: Means, stop: Event
) -> None:
    """Do a job; what goes wrong in it is told to its station and ends nothing else."""
    _log.info("%s: begins, job %s", job.machine, job.id)
    try:
        do(station, again, job, means, stop)
        _log.info("%s: the encoder is sent", job.machine)
    except NotOurs:
        _log.info("%s: it is not wanted any more", job.machine)
    except Away as error:
        _log.warning("%s: given up: %s", job.machine, error)
    except Interrupted:
        _fail(station, job, "the worker was ended, or had to leave it", for_good=False)
    except RattleError as error:
        _log.warning("%s: %s", job.machine, error)
        # The same sound fails the same way again; a full disk may have room by then.
        _fail(station, job, str(error), for_good=not isinstance(error, StorageError))
    except Exception as error:
        # A fault of the program in one job is not to end the worker.
        _log.exception("%s: failed", job.machine)
        _fail(station, job, f"an error of the program: {error!r}", for_good=False)


def _fail(station: Station, job: Job, why: str, *, for_good: bool) -> None:
    try:
        station.fail(job, why, for_good=for_good)
    except (Away, NotOurs, RattleError) as error:
        _log.warning("%s: its station was not told of that: %s", job.machine, error)
