"""Keep what workers are to do: an encoder to be trained on for a machine, from verdicts.

    verdicts ─▶ waiting ─▶ running ─▶ done           a worker says twice a minute that it lives
                 ▲  │        │  └───▶ failed         for good, or at the third try
                 │  │        └──────▶ waiting        it died: its lease ran out
                 │  └▶ dropped                       newer verdicts take its place

A machine has one job that waits, at most, and one that runs. One waits a minute for further
verdicts. The time of leases is the database's (``leases.time_of``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.ids import new_id
from rattle.station.store.leases import time_of
from rattle.station.store.tables import JobRow, ReleaseRow

LEASE = timedelta(minutes=2)
# Verdicts often come one after another: so long nobody begins with the first of them.
SETTLES = timedelta(minutes=1)
TRIES = 3
LOG_CHARACTERS = 16_000


@dataclass(frozen=True)
class Wanted:
    """An encoder that is to be trained; see ``tables.JobRow``."""

    machine_id: str
    base_id: str
    node: str
    learnt: Mapping[str, str]


def want(session: Session, wanted: Wanted, now: datetime) -> str | None:
    """Ask for an encoder that learns from these verdicts, in place of what was asked before.

    Gives the job's id; None where one of just these verdicts waits, runs, has failed, or made a
    release that was not taken back.
    """
    _drop_elsewhere(session, wanted, now)
    of_machine = JobRow.machine_id == wanted.machine_id
    for row in session.scalars(select(JobRow).where(of_machine, JobRow.state != "dropped")):
        if row.learnt == dict(wanted.learnt) and _stands(session, row, wanted):
            return None
    _drop_waiting(session, wanted.machine_id, "newer verdicts took its place", now)
    row = JobRow(
        id=new_id(now),
        machine_id=wanted.machine_id,
        base_id=wanted.base_id,
        node=wanted.node,
        learnt=dict(wanted.learnt),
        state="waiting",
        created=time_of(session, now),
    )
    session.add(row)
    session.flush()
    return row.id


def drop(session: Session, machine_id: str, why: str, now: datetime) -> None:
    """Want no encoder of a machine any more; one that runs is dropped, too."""
    _drop_waiting(session, machine_id, why, now)
    running = (JobRow.machine_id == machine_id) & (JobRow.state == "running")
    for row in session.scalars(select(JobRow).where(running)):
        _end(row, "dropped", why, time_of(session, now))


def is_wanted(session: Session, machine_id: str) -> bool:
    """Whether a job of a machine waits, or runs."""
    going = (JobRow.machine_id == machine_id) & JobRow.state.in_(["waiting", "running"])
    return session.scalar(select(JobRow.id).where(going).limit(1)) is not None


def has_any(session: Session) -> bool:
    """Whether any job waits, or runs."""
    going = JobRow.state.in_(["waiting", "running"])
    return session.scalar(select(JobRow.id).where(going).limit(1)) is not None


def claim(
    session: Session,
    node: str,
    worker: str,
    now: datetime,
    lease: timedelta,
    settles: timedelta,
) -> JobRow | None:
    """Give a worker the oldest job that waits at a station; None where none does.

    It is the worker's for a ``lease``; one that is younger than ``settles`` is left to wait.
    """
    at = time_of(session, now)
    _free_dead(session, at)
    running = select(JobRow.machine_id).where(JobRow.state == "running")
    waits = (JobRow.node == node) & (JobRow.state == "waiting") & (JobRow.created <= at - settles)
    row = session.scalars(
        select(JobRow)
        .where(waits, JobRow.machine_id.not_in(running))
        .order_by(JobRow.created, JobRow.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    row.state, row.worker, row.lease_until = "running", worker, at + lease
    row.tries, row.progress, row.said, row.started = row.tries + 1, 0.0, "begins", at
    note(row, f"try {row.tries} of {TRIES}, by {worker}", at)
    session.flush()
    return row


def running(session: Session, job_id: str, worker: str) -> JobRow | None:
    """Find a job that is a worker's; None where it was taken from it, or is wanted no more."""
    row = session.get(JobRow, job_id)
    is_own = row is not None and row.state == "running" and row.worker == worker
    return row if is_own else None


def renew(
    session: Session,
    job_id: str,
    worker: str,
    progress: float,
    said: str,
    now: datetime,
    lease: timedelta,
) -> bool:
    """Say that a worker lives and how far it is; False where the job is not its own any more."""
    row = running(session, job_id, worker)
    if row is None:
        return False
    at = time_of(session, now)
    row.lease_until, row.progress = at + lease, progress
    if said != row.said:
        row.said = said
        note(row, said, at)
    return True


def fail(
    session: Session, job_id: str, worker: str, why: str, now: datetime, *, for_good: bool
) -> bool:
    """Say that a worker could not do a job; False where it is not its own any more.

    It is tried again, unless it fails ``for_good`` or was tried three times.
    """
    row = running(session, job_id, worker)
    if row is None:
        return False
    _failed(row, why, time_of(session, now), for_good=for_good)
    return True


def finish(session: Session, job_id: str, release_id: str | None, said: str, now: datetime) -> None:
    """Note what came of a job: a release, or nothing since it is wanted no more."""
    row = session.get_one(JobRow, job_id)
    row.release_id, row.progress = release_id, 1.0
    _end(row, "dropped" if release_id is None else "done", said, time_of(session, now))


def note(row: JobRow, line: str, at: datetime) -> None:
    """Add a line to a job's log, of which the end is kept."""
    row.log = f"{row.log}{at:%Y-%m-%d %H:%M:%S} {line}\n"[-LOG_CHARACTERS:]


def _drop_elsewhere(session: Session, wanted: Wanted, now: datetime) -> None:
    """Drop what is done at a station that has left the machine: it could not be used here."""
    going = (JobRow.machine_id == wanted.machine_id) & JobRow.state.in_(["waiting", "running"])
    for row in session.scalars(select(JobRow).where(going, JobRow.node != wanted.node)):
        _end(row, "dropped", "another station has the machine now", time_of(session, now))
    session.flush()


def _stands(session: Session, row: JobRow, wanted: Wanted) -> bool:
    if row.base_id != wanted.base_id:
        return False
    if row.state == "failed":
        return row.node == wanted.node  # another station may have the sound that it lacked
    if row.state == "done":
        made = session.get(ReleaseRow, row.release_id)
        return made is not None and made.state != "superseded"
    return True


def _drop_waiting(session: Session, machine_id: str, why: str, now: datetime) -> None:
    waits = (JobRow.machine_id == machine_id) & (JobRow.state == "waiting")
    for row in session.scalars(select(JobRow).where(waits)):
        _end(row, "dropped", why, time_of(session, now))
    session.flush()


def _free_dead(session: Session, at: datetime) -> None:
    dead = (JobRow.state == "running") & (JobRow.lease_until <= at)
    for row in session.scalars(select(JobRow).where(dead)):
        _failed(row, f"{row.worker} was not heard of any more", at, for_good=False)
    session.flush()


def _failed(row: JobRow, why: str, at: datetime, *, for_good: bool) -> None:
    if for_good or row.tries >= TRIES:
        _end(row, "failed", why, at)
        return
    note(row, why, at)
    row.state, row.worker, row.lease_until, row.said = "waiting", None, None, ""


def _end(row: JobRow, state: str, said: str, at: datetime) -> None:
    note(row, said, at)
    row.state, row.said, row.lease_until, row.ended = state, said, None, at
