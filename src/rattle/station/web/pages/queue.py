"""Show what waits for a person, one question at a time: an incident, and those that sound alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.station.store.reading.queue import Entry, Queue, Why, review_queue
from rattle.station.store.reading.reviews import given, last_given
from rattle.station.store.reading.views import IncidentView
from rattle.station.web.access import who
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.incident import detail
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.sounds import Sound, sounds

router = APIRouter()
WHY: Mapping[Why, str] = {
    "open": "it goes on: someone should look",
    "many": "others sound like it: one verdict for all of them",
    "unlike": "nothing like it was reviewed yet",
    "normal": "like a sound that was called normal",
    "anomaly": "like a sound that was called an anomaly",
    "between": "like a sound called normal, and like one called an anomaly",
    "newest": "the newest: nothing tells which sounds of this machine are alike",
    "incomparable": "it cannot be compared with what was reviewed",
}


@dataclass(frozen=True)
class Place:
    """Where in the queue a question is; ``number`` counts from 1, 0 where it waits no more."""

    number: int
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Member:
    """An incident that sounds like the one that is asked about, and its recording."""

    incident: IncidentView
    sound: Sound | None


@router.get("/review", response_class=HTMLResponse, include_in_schema=False)
def review_page(request: Request, at: str = "", done: str = "") -> HTMLResponse:
    """Show the queue at the incident ``at``, else at its first; ``done`` was just given."""
    context = context_of(request)
    with context.database.reading() as session:
        queue = review_queue(session, context.now())
        entry = entry_of(queue, at)
        chosen = entry.incident.id if entry else at
        found = detail(session, context, chosen) if chosen else None
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
        why=WHY,
        detail=found,
        entry=entry,
        alike=[_member(each) for each in entry.alike] if entry else [],
        place=place_in(queue, entry),
        given=said,
        last=last,
    )


def entry_of(queue: Queue, incident_id: str) -> Entry | None:
    """Find the question that an incident is of, or the first one where none is asked for."""
    if not incident_id:
        return queue.entries[0] if queue.entries else None
    return next((each for each in queue.entries if incident_id in each.ids), None)


def place_in(queue: Queue, entry: Entry | None) -> Place:
    """Find a question in the queue, and what stands before and after it."""
    ids = [each.incident.id for each in queue.entries]
    if entry is None:
        return Place(0, None, ids[0] if ids else None)
    number = queue.entries.index(entry)
    return Place(
        number + 1,
        ids[number - 1] if number else None,
        ids[number + 1] if number + 1 < len(ids) else None,
    )


def _member(incident: IncidentView) -> Member:
    label = f"{incident.machine}, which sounds alike"
    found = sounds(incident.clips, incident.opened, label)
    return Member(incident, found[0] if found else None)
