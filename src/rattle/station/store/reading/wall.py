"""Read what the wall shows of the last hour, of all sources at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.store.tables import IncidentRow, MinuteRow


@dataclass(frozen=True)
class Heard:
    """A minute: when it began, and the highest Y in it; None where none was scored."""

    at: datetime
    highest: float | None


def highest_since(
    session: Session, begin: datetime, source_ids: Sequence[str]
) -> dict[str, list[Heard]]:
    """List these sources' minutes since then in time order, by source id.

    They are asked for by name, which is how minutes are found without reading years of them.
    """
    query = (
        select(MinuteRow.source_id, MinuteRow.at, MinuteRow.highest)
        .where(MinuteRow.source_id.in_(source_ids), MinuteRow.at >= begin)
        .order_by(MinuteRow.at)
    )
    heard: dict[str, list[Heard]] = {}
    for source_id, at, highest in session.execute(query):
        heard.setdefault(source_id, []).append(Heard(at, highest))
    return heard


def opened_of(session: Session, incident_ids: Sequence[str]) -> dict[str, datetime]:
    """Say when incidents began, by their ids."""
    query = select(IncidentRow.id, IncidentRow.opened).where(IncidentRow.id.in_(incident_ids))
    return {row.id: row.opened for row in session.execute(query)}
