"""Give incidents: pages of them, and one with all that is known of it."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rattle.errors import DataError
from rattle.scoring.budget.ledger import IncidentLevel
from rattle.station.records import IncidentKind, IncidentState
from rattle.station.store.reading import incidents as reading
from rattle.station.web.access import Given
from rattle.station.web.api import incident_answers as answers
from rattle.station.web.api.answer import NOT_FOUND, USUAL, Id
from rattle.station.web.api.machines import find_machine, find_source

router = APIRouter(tags=["incidents"], responses=USUAL)


class Filter(BaseModel):
    """Which incidents; all that are given have to hold."""

    model_config = ConfigDict(extra="forbid")
    machine: str | None = Field(None, max_length=64, description="Id or name of a machine.")
    source: str | None = Field(
        None, max_length=64, description="Id or name of the source at which they began."
    )
    kind: IncidentKind | None = Field(None, description="What they are about.")
    level: IncidentLevel | None = Field(
        None, description="The highest that was reached; without it all but moments."
    )
    verdict: reading.VerdictAsked | None = Field(
        None, description="What people said; none is what nobody reviewed."
    )
    state: IncidentState | None = Field(None, description="Whether they go on.")
    begin: AwareDatetime | None = Field(None, description="Those that went on then or later.")
    end: AwareDatetime | None = Field(None, description="Those that began until then.")
    before: Id | None = Field(None, description="Id of the last one of a page.")
    limit: int = Field(50, ge=1, le=200, description="How many at most.")


@router.get("/incidents", responses=NOT_FOUND)
def page_of_incidents(asked: Annotated[Filter, Query()], context: Given) -> answers.Incidents:
    """List incidents, the newest first."""
    machine_id = None if asked.machine is None else find_machine(context, asked.machine).id
    source_id = None if asked.source is None else find_source(context, asked.source).id
    with context.database.reading() as session:
        try:
            found = reading.incidents(
                session,
                machine_id=machine_id,
                source_id=source_id,
                kind=asked.kind,
                level=asked.level,
                verdict=asked.verdict,
                state=asked.state,
                begin=asked.begin,
                end=asked.end,
                before=asked.before,
                limit=asked.limit + 1,
            )
        except DataError as error:
            raise HTTPException(404, str(error)) from error
    page = [answers.Incident.model_validate(each) for each in found[: asked.limit]]
    has_more = len(found) > asked.limit
    return answers.Incidents(incidents=page, before=page[-1].id if has_more else None)


@router.get("/incidents/{incident}", responses=NOT_FOUND)
def incident_in_full(incident: Id, context: Given) -> answers.IncidentInFull:
    """Give an incident with its explanation, the nearest past sounds and its reviews."""
    with context.database.reading() as session:
        found = reading.incident(session, incident)
        if found is None:
            raise HTTPException(404, f"There is no incident {incident!r}.")
        return answers.IncidentInFull.model_validate(
            {
                **answers.Incident.model_validate(found).model_dump(),
                "explanation": found.explanation,
                "nearest": [dataclasses.asdict(n) for n in reading.nearest(session, incident)],
                "reviews": [dataclasses.asdict(r) for r in reading.reviews_of(session, incident)],
            }
        )
