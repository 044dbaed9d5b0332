"""Note who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from rattle.station.store.tables import AuditRow

# Who is named where the station did it by itself.
STATION = "station"


def note(session: Session, at: datetime, who: str, what: str, **detail: Any) -> None:
    """Add a row; ``detail`` are values that JSON can hold, and no secret."""
    session.add(AuditRow(at=at, who=who, what=what, detail=detail))
