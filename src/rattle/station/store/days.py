"""Keep the median M of each day that is over: drift is told by it, of what was heard first.

Days are those of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, func, select, type_coerce
from sqlalchemy.orm import Session, aliased

from rattle.scoring.drift import LEAST_MINUTES
from rattle.station.store.database import insert_into
from rattle.station.store.tables import DayRow, IncidentRow, MinuteRow, ReviewRow

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """A day that began at ``at``, the median of its M, and how many there were."""

    at: datetime
    median: float
    minutes: int


def day_of(at: datetime) -> datetime:
    """Say when the day of a time began."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def first_to_note(session: Session, source_id: str, release_id: str) -> datetime | None:
    """Find the day after the newest that is noted; where none is, the first that was heard.

    None where nothing was.
    """
    newest = select(func.max(DayRow.at)).where(
        DayRow.source_id == source_id, DayRow.release_id == release_id
    )
    noted = session.scalar(newest)
    if noted is not None:
        return noted + A_DAY
    of_release = (MinuteRow.source_id == source_id) & (MinuteRow.release_id == release_id)
    heard = session.scalar(select(MinuteRow.at).where(of_release).order_by(MinuteRow.at).limit(1))
    return None if heard is None else day_of(heard)


def read_day(session: Session, source_id: str, release_id: str, at: datetime) -> Day | None:
    """Read what was heard on a day; None where that was too little to say anything."""
    values = session.scalars(
        select(type_coerce(MinuteRow.minutes, LargeBinary)).where(
            MinuteRow.source_id == source_id,
            MinuteRow.release_id == release_id,
            MinuteRow.at >= at,
            MinuteRow.at < at + A_DAY,
        )
    )
    minutes = np.frombuffer(b"".join(values), "<f8")
    if len(minutes) < LEAST_MINUTES:
        return None
    return Day(at, float(np.median(minutes)), len(minutes))


def note_day(session: Session, source_id: str, release_id: str, day: Day) -> None:
    """Keep a day; one that is kept already stays as it is."""
    statement = insert_into(session, DayRow).on_conflict_do_nothing(
        index_elements=["source_id", "release_id", "at"]
    )
    values = {"at": day.at, "median": day.median, "minutes": day.minutes}
    session.execute(statement, [{"source_id": source_id, "release_id": release_id, **values}])


def days_noted(
    session: Session, source_id: str, release_id: str, since: datetime | None
) -> tuple[list[datetime], NDArray[np.float64]]:
    """List the days that began after ``since``, the oldest first, and their medians ``[D]``."""
    query = (
        select(DayRow.at, DayRow.median)
        .where(DayRow.source_id == source_id, DayRow.release_id == release_id)
        .order_by(DayRow.at)
    )
    if since is not None:
        query = query.where(DayRow.at > since)
    rows = session.execute(query).all()
    return [at for at, _ in rows], np.array([median for _, median in rows], np.float64)


def last_looked_at(session: Session, source_id: str) -> datetime | None:
    """Say when a person last reviewed a drift of a source, and did not take that back."""
    undo = aliased(ReviewRow)
    return session.scalar(
        select(func.max(ReviewRow.at))
        .join(IncidentRow, ReviewRow.incident_id == IncidentRow.id)
        .outerjoin(undo, undo.undoes == ReviewRow.id)
        .where(
            IncidentRow.kind == "drift",
            IncidentRow.subject == source_id,
            ReviewRow.verdict != "undo",
            undo.id.is_(None),
        )
    )


def open_drift(session: Session, source_id: str) -> IncidentRow | None:
    """Find a source's drift that goes on."""
    is_open = IncidentRow.state == "open"
    of_source = (IncidentRow.kind == "drift") & (IncidentRow.subject == source_id)
    return session.scalar(select(IncidentRow).where(of_source, is_open))
