"""List a machine's incidents with what people say of them; a third of them is never learnt from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import IncidentLevel, Verdict
from rattle.station.store.tables import IncidentRow, ThresholdRow

# One incident of so many is kept for the test.
TEST_SHARE = 3


@dataclass(frozen=True)
class Stood:
    """An incident of a machine's sound.

    It lasted from ``opened`` to ``ended``, the time of looking where it goes on. ``threshold`` is
    what it passed; ``verdict`` None where nobody has reviewed it.
    """

    id: str
    source_id: str
    release_id: str | None
    level: IncidentLevel
    opened: datetime
    ended: datetime
    threshold: float | None
    verdict: Verdict | None
    fault: str | None

    @property
    def is_test(self) -> bool:
        """Whether it is kept for the test."""
        return is_test(self.id)


def is_test(incident_id: str) -> bool:
    """Say whether an incident is kept for the test: a third of them, by hash, whatever comes of it.

    >>> [is_test(f"incident {number}") for number in range(5)]
    [True, True, False, False, False]
    """
    digest = hashlib.sha256(incident_id.encode()).digest()
    return int.from_bytes(digest[:8]) % TEST_SHARE == 0


def incidents_of(session: Session, machine_id: str, now: datetime) -> list[Stood]:
    """List what stood out of a machine's sound so far and tells something, the oldest first.

    A watch or a moment that nobody has reviewed tells nothing, and is left out.
    """
    return [
        each
        for each in every_incident_of(session, machine_id, now)
        if each.verdict is not None or each.level == "alarm"
    ]


def every_incident_of(session: Session, machine_id: str, now: datetime) -> list[Stood]:
    """List all that stood out of a machine's sound so far, the oldest first."""
    columns = (
        IncidentRow.id,
        IncidentRow.source_id,
        IncidentRow.release_id,
        IncidentRow.level,
        IncidentRow.opened,
        IncidentRow.ended,
        ThresholdRow.value,
        IncidentRow.verdict,
        IncidentRow.fault,
    )
    rows = session.execute(
        select(*columns)
        .outerjoin(ThresholdRow, ThresholdRow.id == IncidentRow.threshold_id)
        .where(IncidentRow.machine_id == machine_id, IncidentRow.kind == "machine")
        .order_by(IncidentRow.opened, IncidentRow.id)
    )
    return [
        Stood(
            id=id_,
            source_id=source_id,
            release_id=release_id,
            level=level,  # type: ignore[arg-type]
            opened=opened,
            ended=max(ended or now, opened),
            threshold=threshold,
            verdict=verdict,  # type: ignore[arg-type]
            fault=fault,
        )
        for (
            id_,
            source_id,
            release_id,
            level,
            opened,
            ended,
            threshold,
            verdict,
            fault,
        ) in rows
    ]
