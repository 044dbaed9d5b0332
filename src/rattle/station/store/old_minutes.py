"""Remove minutes that are older than they are to be kept, but for what the budget counts on.

A ledger looks back on 28 days of running, which may be years of the calendar. Of a minute that is
old but among these, the scores go and M stays.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import and_, delete, func, not_, select, update
from sqlalchemy.orm import Session

from rattle.scoring.budget.stages import KEPT_MINUTES
from rattle.station.store.database import Database
from rattle.station.store.tables import MachineRow, MinuteRow, SourceRow


def remove_old_minutes(database: Database, before: datetime) -> None:
    """Remove them source by source, so that no writer waits for long."""
    with database.reading() as session:
        sources = session.execute(
            select(SourceRow.id, MachineRow.live_release_id).join(
                MachineRow, MachineRow.id == SourceRow.machine_id
            )
        ).all()
    for source_id, release_id in sources:
        of_source = and_(MinuteRow.source_id == source_id, MinuteRow.at < before)
        with database.reading() as session:
            if session.scalar(select(MinuteRow.at).where(of_source).limit(1)) is None:
                continue
        with database.writing() as session:
            first = _first_counted(session, source_id, release_id)
            counts = and_(
                MinuteRow.release_id == (release_id or ""),
                MinuteRow.heard > first,
                func.length(MinuteRow.minutes) > 0,
            )
            session.execute(delete(MinuteRow).where(of_source, not_(counts)))
            with_scores = update(MinuteRow).where(of_source, func.length(MinuteRow.scores) > 0)
            session.execute(with_scores.values(scores=np.empty(0, np.float32)))


def _first_counted(session: Session, source_id: str, release_id: str | None) -> int:
    """The number of the first minute that the ledger of a source still holds."""
    of_release = (MinuteRow.source_id == source_id) & (MinuteRow.release_id == (release_id or ""))
    newest = select(MinuteRow.heard).where(of_release).order_by(MinuteRow.at.desc()).limit(1)
    return max((session.scalar(newest) or 0) - KEPT_MINUTES, 0)
