"""Write an incident as it is now.

What was reached stays: an incident that has ended is not open again, its level and its peak never
fall, whatever older record comes after a newer one. Of one kind and subject one incident is open:
where a record opens another, the one that began first was left behind, by a station that was killed
say, and ends as interrupted when the other begins.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import INCIDENT_LEVELS
from rattle.station.records import IncidentChanged
from rattle.station.store.tables import IncidentRow

FIELDS = tuple(field.name for field in fields(IncidentChanged))


def write_incident(session: Session, changed: IncidentChanged) -> None:
    """Bring the incident's row to what the record says."""
    row = session.get(IncidentRow, changed.id)
    if row is None:
        _add(session, changed)
    elif row.state == "open" or changed.state != "open":
        _change(row, changed)
    session.flush()


def end_as_interrupted(row: IncidentRow, at: datetime) -> None:
    """End an incident whose end nobody heard, no earlier than it began."""
    row.state, row.ended = "interrupted", max(at, row.opened)


def record_of(row: IncidentRow) -> IncidentChanged:
    """Give an incident's row as the record that would write it."""
    return IncidentChanged(
        id=row.id,
        machine_id=row.machine_id,
        source_id=row.source_id,
        subject=row.subject,
        kind=row.kind,  # type: ignore[arg-type]
        level=row.level,  # type: ignore[arg-type]
        state=row.state,  # type: ignore[arg-type]
        opened=row.opened,
        ended=row.ended,
        peak=row.peak,
        peak_at=row.peak_at,
        peak_z=None if row.peak_z is None else np.frombuffer(row.peak_z, "<f2"),
        release_id=row.release_id,
        threshold_id=row.threshold_id,
        reason=row.reason,
    )


def _add(session: Session, changed: IncidentChanged) -> None:
    row = IncidentRow(**_values(changed))
    if changed.state == "open":
        same = select(IncidentRow).where(
            IncidentRow.kind == changed.kind,
            IncidentRow.subject == changed.subject,
            IncidentRow.state == "open",
        )
        for other in session.scalars(same):
            earlier, later = sorted((other, row), key=lambda each: (each.opened, each.id))
            end_as_interrupted(earlier, later.opened)
        session.flush()  # the one that ends, before the one that begins
    session.add(row)


def _change(row: IncidentRow, changed: IncidentChanged) -> None:
    values = _values(changed)
    if INCIDENT_LEVELS.index(changed.level) < INCIDENT_LEVELS.index(row.level):
        del values["level"]
    if row.peak is not None and (changed.peak is None or changed.peak < row.peak):
        del values["peak"], values["peak_at"], values["peak_z"]
    for name, value in values.items():
        setattr(row, name, value)


def _values(changed: IncidentChanged) -> dict[str, Any]:
    values = {name: getattr(changed, name) for name in FIELDS}
    if changed.peak_z is not None:
        values["peak_z"] = np.asarray(changed.peak_z, "<f2").tobytes()
    return values
