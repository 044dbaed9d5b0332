"""List the encoders that workers train, or trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.station.store.tables import JobRow, MachineRow

JobState = Literal["waiting", "running", "done", "failed", "dropped"]


@dataclass(frozen=True)
class JobView:
    """An encoder to be trained on, with its machine's name; see ``tables.JobRow``."""

    id: str
    machine_id: str
    machine: str
    node: str
    learnt: Mapping[str, str]
    state: JobState
    worker: str | None
    tries: int
    progress: float
    said: str
    log: str
    release_id: str | None
    created: datetime
    started: datetime | None
    ended: datetime | None


def jobs(session: Session, machine_id: str | None = None, limit: int = 100) -> list[JobView]:
    """List the jobs of a machine, or of all, the newest first."""
    query = select(JobRow, MachineRow.name).join(MachineRow, MachineRow.id == JobRow.machine_id)
    if machine_id is not None:
        query = query.where(JobRow.machine_id == machine_id)
    query = query.order_by(JobRow.created.desc(), JobRow.id.desc()).limit(limit)
    return [_view(row, name) for row, name in session.execute(query)]


def job(session: Session, job_id: str) -> JobView | None:
    """Find one; None where there is none of that id."""
    row = session.get(JobRow, job_id)
    return None if row is None else job_view(session, row)


def job_view(session: Session, row: JobRow) -> JobView:
    """Show a row."""
    return _view(row, session.get_one(MachineRow, row.machine_id).name)


def count_jobs(session: Session) -> dict[JobState, int]:
    """Count the jobs of each state that there are any of."""
    rows = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
    return {cast(JobState, state): count for state, count in rows}


def _view(row: JobRow, machine: str) -> JobView:
    return JobView(
        id=row.id,
        machine_id=row.machine_id,
        machine=machine,
        node=row.node,
        learnt=row.learnt,
        state=cast(JobState, row.state),
        worker=row.worker,
        tries=row.tries,
        progress=row.progress,
        said=row.said,
        log=row.log,
        release_id=row.release_id,
        created=row.created,
        started=row.started,
        ended=row.ended,
    )
