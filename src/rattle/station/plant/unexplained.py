"""Find the incidents that nobody explained: the station ended before, or too many waited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.station.store.tables import ClipRow, IncidentRow, ReleaseRow

# Older ones were looked at, or never will be.
NOT_OLDER = timedelta(days=28)


@dataclass(frozen=True)
class Unexplained:
    """An incident, the path of its first recording, and the release that raised it."""

    incident_id: str
    path: str
    release_id: str


def unexplained(session: Session, release_ids: list[str], now: datetime) -> Iterator[Unexplained]:
    """Yield those of the releases in use, the oldest first."""
    first = (
        select(func.min(ClipRow.id))
        .join(IncidentRow, IncidentRow.id == ClipRow.incident_id)
        .where(
            IncidentRow.kind == "machine",
            IncidentRow.level != "moment",
            IncidentRow.explanation.is_(None),
            IncidentRow.opened > now - NOT_OLDER,
            IncidentRow.release_id.in_(release_ids),
            ClipRow.missing.is_(False),
        )
        .group_by(ClipRow.incident_id)
    )
    of = (
        select(IncidentRow.id, ClipRow.path, ReleaseRow.id)
        .join(ClipRow, ClipRow.incident_id == IncidentRow.id)
        .join(ReleaseRow, ReleaseRow.id == IncidentRow.release_id)
        .where(ClipRow.id.in_(first))
        .order_by(ClipRow.id)
    )
    for incident_id, path, release_id in session.execute(of):
        yield Unexplained(incident_id, path, release_id)
