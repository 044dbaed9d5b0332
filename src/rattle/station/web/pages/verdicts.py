"""Take what people say of incidents by the pages' forms, and send them on to the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from rattle.errors import DataError
from rattle.scoring.budget.ledger import Verdict
from rattle.station.store import reviews
from rattle.station.store.reading.reviews import given
from rattle.station.web.access import REVIEWER, who
from rattle.station.web.api.reviews import MOST_AT_ONCE, Comment, Fault
from rattle.station.web.pages.errors import refused
from rattle.station.web.pages.shell import context_of
from rattle.station.web.telling import tell_reviewed

router = APIRouter(dependencies=[REVIEWER], include_in_schema=False)
From = Literal["review", "incidents", "incident"]
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


@router.post("/incidents/{incident_id}/review")
def review_one(
    request: Request,
    incident_id: str,
    verdict: Annotated[Verdict, Form()],
    fault: Annotated[Fault, Form()] = "",
    comment: Annotated[Comment, Form()] = "",
) -> Response:
    """Store a verdict, and go back to the incident."""
    stored = _store(request, [incident_id], verdict, fault, comment)
    if isinstance(stored, Response):
        return stored
    return _to(f"/incidents/{incident_id}", done=stored[0])


@router.post("/review/bulk")
def review_many(
    request: Request,
    verdict: Annotated[Verdict, Form()],
    ids: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    fault: Annotated[Fault, Form()] = "",
    comment: Annotated[Comment, Form()] = "",
    came_from: Annotated[From, Form()] = "incidents",
    then: Annotated[str, Form()] = "",
) -> Response:
    """Store one verdict on several incidents, and go to the incident ``then`` of the queue.

    A box that is marked may stand for several: their ids are told apart by spaces.
    """
    back = "/review" if came_from == "review" else "/incidents"
    every = list(dict.fromkeys(id_ for box in ids for id_ in box.split()))
    if not every or len(every) > MOST_AT_ONCE:
        said = f"Mark at least one incident and at most {MOST_AT_ONCE}, then say what they are."
        return refused(request, 400, said, back, "Back")
    stored = _store(request, every, verdict, fault, comment)
    if isinstance(stored, Response):
        return stored
    return _to(back, done=stored[0], at=then if ULID.fullmatch(then) else "")


@router.post("/reviews/{review_id}/undo")
def undo(
    request: Request,
    review_id: str,
    came_from: Annotated[From, Form()] = "incident",
    whole: Annotated[bool, Form()] = False,
) -> Response:
    """Take back a review; ``whole`` takes back all that was said in the same act."""
    context = context_of(request)
    with context.database.reading() as session:
        act = given(session, review_id)
    if act is None:
        said = "That review was taken back already, or never given."
        return refused(request, 404, said, "/review", "To the queue")
    pairs = list(zip(act.review_ids, act.incident_ids, strict=True))
    taken = [pair for pair in pairs if whole or pair[0] == review_id]
    try:
        with context.database.writing() as session:
            for each, _ in taken:
                reviews.undo(session, each, who(request), context.now())
    except DataError:
        said = "Someone else took that back at the same moment."
        return refused(request, 409, said, "/review", "To the queue")
    incident_ids = [incident_id for _, incident_id in taken]
    tell_reviewed(context, incident_ids)
    if came_from == "review":
        return _to("/review", at=incident_ids[0])
    return _to("/incidents" if came_from == "incidents" else f"/incidents/{incident_ids[0]}")


def _store(
    request: Request, incident_ids: Sequence[str], verdict: Verdict, fault: str, comment: str
) -> list[str] | Response:
    context = context_of(request)
    try:
        with context.database.writing() as session:
            stored = reviews.add(
                session,
                incident_ids,
                verdict,
                who(request),
                context.now(),
                fault.strip() or None,
                comment.strip() or None,
            )
    except DataError:
        said = "There is no such incident: nothing was stored."
        return refused(request, 404, said, "/review", "To the queue")
    tell_reviewed(context, incident_ids)
    return list(stored)


def _to(path: str, **query: str) -> RedirectResponse:
    said = urlencode({key: value for key, value in query.items() if value})
    return RedirectResponse(f"{path}?{said}" if said else path, 303)
