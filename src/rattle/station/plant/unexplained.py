"""Find the incidents that nobody explained: the station ended before, or too many waited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.station.store.rows import ClipKept
from rattle.station.store.tables import ClipRow, IncidentRow

# Older ones were looked at, or never will be.
NOT_OLDER = timedelta(days=28)


def unexplained(session: Session, release_ids: list[str], now: datetime) -> Iterator[ClipKept]:
    """Yield the first recording of each, the oldest first, of the releases in use."""
    first = (
        select(func.min(ClipRow.id))
        .join(IncidentRow, IncidentRow.id == ClipRow.incident_id)
        .where(
            IncidentRow.kind == "machine",
            IncidentRow.explanation.is_(None),
            IncidentRow.opened > now - NOT_OLDER,
            IncidentRow.release_id.in_(release_ids),
            ClipRow.missing.is_(False),
        )
        .group_by(ClipRow.incident_id)
    )
    for row in session.scalars(select(ClipRow).where(ClipRow.id.in_(first)).order_by(ClipRow.id)):
        yield ClipKept(
            source_id=row.source_id,
            incident_id=row.incident_id,
            use=row.use,  # type: ignore[arg-type]
            start=row.start,
            sample_rate_hz=row.sample_rate_hz,
            seconds=row.seconds,
            peak=row.peak,
            sha256=row.sha256,
            path=row.path,
            bytes=row.bytes,
            speech=row.speech,
        )
