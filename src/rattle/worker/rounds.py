"""Ask one station after the other for something to do, until someone ends the worker.

    each round:  what is not sent yet ──▶ its station        the next job of each station ──▶ done

A station that is away keeps nobody else waiting: what was made for it is sent when it is back.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from rattle.errors import Interrupted, RattleError, StorageError
from rattle.worker.station import Away, Job, NotOurs, Station
from rattle.worker.work import PREFIX, Means, do

_log = logging.getLogger(__name__)

ASKS_EVERY_S = 5.0
# What cannot be sent for so long is thrown away.
KEPT_S = 1800.0
ENDED = "the worker was ended, or had to leave it"


@dataclass(frozen=True)
class Made:
    """What was made of a job and is still to be sent, until a monotonic time."""

    station: Station
    job: Job
    path: Path
    until: float


def rounds(opened: Sequence[Callable[[], Station]], means: Means, stop: Event) -> None:
    """Do what stations have for a worker, in turn. ``opened`` open a line to each.

    Raises ``RattleError`` where one refuses the worker.
    """
    stations = [(each(), each) for each in opened]
    away: set[str] = set()
    unsent: list[Made] = []
    with tempfile.TemporaryDirectory(prefix=PREFIX) as at:
        while not stop.is_set():
            did_any = False
            for station, again in stations:
                unsent = [made for made in unsent if not sent(made)]
                job = None if stop.is_set() else claimed(station, away)
                if job is not None:
                    did_any = True
                    path = Path(at) / f"{job.id}.zip"
                    if done(station, again, job, means, stop.is_set, path):
                        unsent.append(Made(station, job, path, time.monotonic() + KEPT_S))
            unsent = [made for made in unsent if not sent(made)]
            if not did_any:
                stop.wait(ASKS_EVERY_S)


def claimed(station: Station, away: set[str]) -> Job | None:
    """Take a station's next job; that it is away is said once."""
    try:
        job = station.claim()
    except (Away, NotOurs) as error:
        if station.url not in away:
            away.add(station.url)
            _log.warning("%s is away and is asked again: %s", station.url, error)
        return None
    if station.url in away:
        away.discard(station.url)
        _log.info("%s is there again", station.url)
    return job


def done(
    station: Station,
    again: Callable[[], Station],
    job: Job,
    means: Means,
    stop_requested: Callable[[], bool],
    path: Path,
) -> bool:
    """Do a job, and say whether there is something to send; what goes wrong is told."""
    _log.info("%s: begins, job %s", job.machine, job.id)
    try:
        do(station, again, job, means, stop_requested, path)
        return True
    except NotOurs:
        _log.info("%s: it is not wanted any more", job.machine)
    except Away as error:
        _log.warning("%s: given up: %s", job.machine, error)
    except Interrupted:
        fail(station, job, ENDED, for_good=False)
    except RattleError as error:
        _log.warning("%s: %s", job.machine, error)
        # The same sound fails the same way again; a full disk may have room by then.
        fail(station, job, str(error), for_good=not isinstance(error, StorageError))
    except Exception as error:
        # A fault of the program in one job is not to end the worker.
        _log.exception("%s: failed", job.machine)
        fail(station, job, f"an error of the program: {error!r}", for_good=False)
    return False


def sent(made: Made) -> bool:
    """Send what was made, and say whether nothing more is to be done about it."""
    machine = made.job.machine
    try:
        made.station.send(made.job, made.path)
        _log.info("%s: the encoder is sent", machine)
    except Away as error:
        if time.monotonic() < made.until:
            return False
        _log.warning("%s: its station was away for half an hour: %s", machine, error)
    except NotOurs:
        _log.info("%s: it is not wanted any more", machine)
    except RattleError as error:
        _log.warning("%s: %s", machine, error)
        fail(made.station, made.job, str(error), for_good=True)
    made.path.unlink(missing_ok=True)
    return True


def fail(station: Station, job: Job, why: str, *, for_good: bool) -> None:
    """Say that a job could not be done; a station that does not hear it finds out by itself."""
    try:
        station.fail(job, why, for_good=for_good)
    except (Away, NotOurs, RattleError) as error:
        _log.warning("%s: its station was not told of that: %s", job.machine, error)
