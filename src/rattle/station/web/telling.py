"""Tell the running plant, and the pages that are open, what a person did."""

from __future__ import annotations

from collections.abc import Sequence

from rattle.station.store.reading import incidents as reading
from rattle.station.web.context import Context


def tell_reviewed(context: Context, incident_ids: Sequence[str]) -> None:
    """Let the budget and the open pages know that reviews of incidents were stored."""
    context.station.reviewed(incident_ids)
    with context.database.reading() as session:
        for incident_id in incident_ids:
            found = reading.incident(session, incident_id)
            if found is not None:
                context.hub.publish(
                    "incident",
                    id=found.id,
                    machine=found.machine_id,
                    kind=found.kind,
                    level=found.level,
                    state=found.state,
                    verdict=found.verdict,
                )
