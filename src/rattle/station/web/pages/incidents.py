"""List incidents, and let several be reviewed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.errors import DataError
from rattle.scoring.budget.ledger import IncidentLevel
from rattle.station.amounts_said import score_said
from rattle.station.records import IncidentKind, IncidentState
from rattle.station.store.reading.incidents import (
    VerdictAsked,
    counts_by_verdict,
    faults_named,
    incidents,
)
from rattle.station.store.reading.reviews import given
from rattle.station.store.reading.views import IncidentView
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.happened import lasted
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter()
A_PAGE = 50
CHOICES: Mapping[str, Mapping[str, str]] = {
    "verdict": {
        "none": "not reviewed",
        "anomaly": "anomaly",
        "normal": "normal",
        "unsure": "unsure",
    },
    "level": {"alarm": "alarms", "watch": "watches", "moment": "odd moments"},
    "kind": {
        "machine": "machines",
        "microphone": "microphones",
        "source": "lost sources",
        "drift": "drift",
    },
    "state": {"open": "going on", "ended": "ended", "interrupted": "interrupted"},
}


@dataclass(frozen=True)
class Link:
    """A filter as a link; the one that holds leads back to all."""

    word: str
    href: str
    holds: bool


@dataclass(frozen=True)
class Line:
    """A row of the list."""

    incident: IncidentView
    lasted: str
    peak: str


@router.get("/incidents", response_class=HTMLResponse, include_in_schema=False)
def incidents_page(
    request: Request,
    verdict: VerdictAsked | None = None,
    level: IncidentLevel | None = None,
    kind: IncidentKind | None = None,
    state: IncidentState | None = None,
    machine: str = "",
    source: str = "",
    before: str | None = None,
    done: str = "",
) -> HTMLResponse:
    """List the incidents that the filters leave, the newest first; ``done`` was just given.

    Nobody is asked what a lost source or a bad microphone was: unless their kind is asked for, what
    is not reviewed is of machines, as the count above the list is.
    """
    context = context_of(request)
    ids = {each.name: each.id for each in context.board.machines()}
    if machine and machine not in ids:
        said = f"No machine called {machine} is listened to."
        return not_there(request, said, "/incidents", "All incidents")
    source_ids = {each.name: each.id for of in context.board.machines() for each in of.sources}
    if source and source not in source_ids:
        said = f"No source called {source} is listened to."
        return not_there(request, said, "/incidents", "All incidents")
    with context.database.reading() as session:
        try:
            found = incidents(
                session,
                machine_id=ids.get(machine),
                source_id=source_ids.get(source),
                kind=kind or ("machine" if verdict == "none" else None),
                level=level,
                verdict=verdict,
                state=state,
                before=before,
                limit=A_PAGE + 1,
            )
        except DataError:
            said = "The incident that this list goes on from is gone."
            return not_there(request, said, "/incidents", "All incidents")
        counts = counts_by_verdict(session, ids.get(machine), source_ids.get(source))
        said_last = given(session, done)
        faults = faults_named(session)
    every = {
        "verdict": verdict,
        "level": level,
        "kind": kind,
        "state": state,
        "machine": machine,
        "source": source,
    }
    asked = {name: value for name, value in every.items() if value}
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return shown(
        request,
        "incidents",
        title="Incidents",
        here="incidents",
        lines=[_line(each, context.now()) for each in found[:A_PAGE]],
        filters=[_links(name, asked) for name in CHOICES],
        of=[
            Link(value, _address({**asked, name: None}), holds=True)
            for name, value in (("machine", machine), ("source", source))
            if value
        ],
        is_filtered=bool(asked),
        counts=counts,
        faults=faults,
        more=_address({**asked, "before": more}) if more else "",
        given=said_last,
    )


def _line(incident: IncidentView, now: datetime) -> Line:
    return Line(incident, lasted(incident, now), score_said(incident.peak))


def _links(name: str, asked: Mapping[str, str]) -> list[Link]:
    held = asked.get(name)
    return [
        Link(word, _address({**asked, name: None if held == value else value}), held == value)
        for value, word in CHOICES[name].items()
    ]


def _address(query: Mapping[str, str | None]) -> str:
    said = urlencode({key: value for key, value in query.items() if value})
    return f"/incidents?{said}" if said else "/incidents"
