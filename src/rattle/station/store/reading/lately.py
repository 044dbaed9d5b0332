"""Read the incidents that someone may have to be told of: that go on, or ended lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import Level, Verdict
from rattle.station.records import IncidentKind, IncidentState
from rattle.station.store.tables import IncidentRow, MachineRow, SourceRow, ThresholdRow


@dataclass(frozen=True)
class Lately:
    """An incident, as far as it is told; see ``reading.views.IncidentView``."""

    id: str
    machine: str
    source: str
    kind: IncidentKind
    level: Level
    state: IncidentState
    opened: datetime
    ended: datetime | None
    peak: float | None
    threshold: float | None
    reason: str
    verdict: Verdict | None


_Fact = str | datetime | float | None


def lately(session: Session, since: datetime) -> list[Lately]:
    """List the incidents that are open, or that ended since then, in the order of their opening.

    Moments are for the queue alone: they passed no threshold, and nobody is told of them.
    """
    columns = (
        IncidentRow.id,
        MachineRow.name,
        SourceRow.name,
        IncidentRow.kind,
        IncidentRow.level,
        IncidentRow.state,
        IncidentRow.opened,
        IncidentRow.ended,
        IncidentRow.peak,
        ThresholdRow.value,
        IncidentRow.reason,
        IncidentRow.verdict,
    )
    query = (
        select(*columns)
        .join(MachineRow, IncidentRow.machine_id == MachineRow.id)
        .join(SourceRow, IncidentRow.source_id == SourceRow.id)
        .outerjoin(ThresholdRow, IncidentRow.threshold_id == ThresholdRow.id)
        .where(or_(IncidentRow.state == "open", IncidentRow.ended > since))
        .where(IncidentRow.level != "moment")
        .order_by(IncidentRow.opened, IncidentRow.id)
    )
    return [Lately(*cast("tuple[_Fact, ...]", row)) for row in session.execute(query)]  # type: ignore[arg-type]
