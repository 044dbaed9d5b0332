"""Take what people say of incidents, and take it back."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from rattle.errors import DataError
from rattle.scoring.budget.ledger import Verdict
from rattle.station.store import reviews as writing
from rattle.station.store.reading import incidents as reading
from rattle.station.web.access import REVIEWER, Given, who
from rattle.station.web.api import incident_answers as answers
from rattle.station.web.api.answer import CONFLICT, NOT_FOUND, TEXT, USUAL, Id
from rattle.station.web.telling import tell_reviewed

router = APIRouter(
    tags=["reviews"], dependencies=[REVIEWER], responses={**USUAL, **NOT_FOUND, **CONFLICT}
)


LONGEST_FAULT, LONGEST_COMMENT, MOST_AT_ONCE = 100, 2000, 200


class Said(BaseModel):
    """What a person says of incidents."""

    model_config = ConfigDict(extra="forbid")
    incidents: list[Id] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="Ids of which ones."
    )
    verdict: Verdict = Field(description="anomaly confirms, normal rejects, unsure is neither.")
    fault: str | None = Field(
        None, max_length=LONGEST_FAULT, pattern=TEXT, description="What the fault is called."
    )
    comment: str | None = Field(
        None, max_length=LONGEST_COMMENT, pattern=TEXT, description="What is to be said besides."
    )


class Reviewed(BaseModel):
    """What was stored."""

    reviews: list[str] = Field(description="Ids of the reviews, one an incident, to undo them by.")


@router.post("/reviews", status_code=201)
def review(said: Said, request: Request, context: Given) -> Reviewed:
    """Say what one or many incidents were. Nothing is changed: the newest word counts."""
    ids = list(dict.fromkeys(said.incidents))
    with context.database.writing() as session:
        for each in ids:
            if reading.incident(session, each) is None:
                raise HTTPException(404, f"There is no incident {each!r}; nothing was stored.")
        try:
            stored = writing.add(
                session,
                ids,
                verdict=said.verdict,
                who=who(request),
                at=context.now(),
                fault=said.fault,
                comment=said.comment,
            )
        except DataError as error:
            raise HTTPException(409, str(error)) from error
    tell_reviewed(context, ids)
    return Reviewed(reviews=list(stored))


@router.post("/reviews/{review}/undo", status_code=201)
def undo(review: Id, request: Request, context: Given) -> answers.Incident:
    """Take a review back; gives the incident as it is then."""
    with context.database.writing() as session:
        incident_id = reading.incident_of_review(session, review)
        if incident_id is None:
            raise HTTPException(404, f"There is no review {review!r}.")
        try:
            writing.undo(session, review, who=who(request), at=context.now())
        except DataError as error:
            raise HTTPException(409, str(error)) from error
        session.flush()
        incident = answers.Incident.model_validate(reading.incident(session, incident_id))
    tell_reviewed(context, [incident_id])
    return incident
