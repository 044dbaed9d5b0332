"""Show what waits for a person, one incident at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.station.store.reading.incidents import oddest_moments, review_queue
from rattle.station.store.reading.reviews import given, last_given
from rattle.station.store.reading.views import IncidentView
from rattle.station.web.access import who
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.incident import detail
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.sounds import sound_of

router = APIRouter()


@dataclass(frozen=True)
class Place:
    """Where in the queue an incident is; ``number`` counts from 1, 0 where it waits no more."""

    number: int
    before: str | None
    after: str | None


@router.get("/review", response_class=HTMLResponse, include_in_schema=False)
def review_page(request: Request, at: str = "", done: str = "") -> HTMLResponse:
    """Show the queue at the incident ``at``, else at its first; ``done`` was just given."""
    context = context_of(request)
    with context.database.reading() as session:
        queue = review_queue(session)
        chosen = at or (queue[0].id if queue else "")
        found = detail(session, context, chosen) if chosen else None
        moments = oddest_moments(session)
        said = given(session, done)
        last = last_given(session, who(request))
    if at and found is None:
        return not_there(request, "There is no such incident.", "/review", "To the queue")
    return shown(
        request,
        "review",
        title="Review",
        here="review",
        queue=queue,
        detail=found,
        place=place_in(queue, chosen),
        moments=[(moment, sound_of(moment)) for moment in moments],
        given=said,
        last=last,
    )


def place_in(queue: Sequence[IncidentView], incident_id: str) -> Place:
    """Find an incident in the queue, and what stands before and after it."""
    ids = [each.id for each in queue]
    if incident_id not in ids:
        return Place(0, None, ids[0] if ids else None)
    number = ids.index(incident_id)
    return Place(
        number + 1,
        ids[number - 1] if number else None,
        ids[number + 1] if number + 1 < len(ids) else None,
    )
