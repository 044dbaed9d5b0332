"""Count what the wall and the health page show, and list a machine's thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import LEVELS, Level
from rattle.station.store.reading.minutes import threshold_view
from rattle.station.store.reading.views import ThresholdView
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    SourceRow,
    ThresholdRow,
)

WEEK, FOUR_WEEKS = timedelta(days=7), timedelta(days=28)


@dataclass(frozen=True)
class FalseIncidents:
    """Incidents of a level that were not found to be a fault, reviewed or not."""

    week: int = 0
    four_weeks: int = 0


def false_incidents(session: Session, now: datetime) -> dict[tuple[str, Level], FalseIncidents]:
    """Count the false incidents of the last 7 and 28 days, by machine id and level.

    A pair that has none is left out. An alarm is not counted as a watch, too.
    """
    last_week = func.count().filter(IncidentRow.opened > now - WEEK)
    query = (
        select(IncidentRow.machine_id, IncidentRow.level, last_week, func.count())
        .where(
            IncidentRow.kind == "machine",
            IncidentRow.level.in_(LEVELS),
            IncidentRow.opened > now - FOUR_WEEKS,
            or_(IncidentRow.verdict.is_(None), IncidentRow.verdict != "anomaly"),
        )
        .group_by(IncidentRow.machine_id, IncidentRow.level)
    )
    return {
        (machine_id, cast(Level, level)): FalseIncidents(week, four_weeks)
        for machine_id, level, week, four_weeks in session.execute(query)
    }


def incident_counts(session: Session) -> dict[tuple[str, str, str], int]:
    """Count all incidents, by machine id, kind and level; a moment raised nothing and is none."""
    columns = (IncidentRow.machine_id, IncidentRow.kind, IncidentRow.level)
    query = select(*columns, func.count()).where(IncidentRow.level.in_(LEVELS)).group_by(*columns)
    return {
        (machine_id, kind, level): count
        for machine_id, kind, level, count in session.execute(query)
    }


def threshold_history(session: Session, machine_id: str, limit: int = 200) -> list[ThresholdView]:
    """List the thresholds of a machine's sources with their reasons, the newest first."""
    query = (
        select(ThresholdRow)
        .join(SourceRow, ThresholdRow.source_id == SourceRow.id)
        .where(SourceRow.machine_id == machine_id)
        .order_by(ThresholdRow.active_from.desc(), ThresholdRow.id.desc())
        .limit(limit)
    )
    return [threshold_view(row) for row in session.scalars(query)]


def clip_path(session: Session, sha256: str) -> str | None:
    """Find where the recording of that name is kept; None where no row names it."""
    return session.scalar(select(ClipRow.path).where(ClipRow.sha256 == sha256).limit(1))
