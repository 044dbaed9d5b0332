"""Take what people say of incidents, and take it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


def _short_breaks(text: object) -> object:
    """Write each line break as one character: a form sends two, and its field counts one."""
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


Fault = Annotated[str, Field(max_length=LONGEST_FAULT, pattern=TEXT)]
Comment = Annotated[
    str, Field(max_length=LONGEST_COMMENT, pattern=TEXT), BeforeValidator(_short_breaks)
]


class Said(BaseModel):
    """What a person says of incidents."""

    model_config = ConfigDict(extra="forbid")
    incidents: list[Id] = Field(
        min_length=1, max_length=MOST_AT_ONCE, description="Ids of which ones."
    )
    verdict: Verdict = Field(description="anomaly confirms, normal rejects, unsure is neither.")
    fault: Fault | None = Field(None, description="What the fault is called.")
    comment: Comment | None = Field(None, description="What is to be said besides.")


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
