"""List incidents, and let several be reviewed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.errors import DataError
from rattle.scoring.budget.ledger import Level
from rattle.station.records import IncidentKind, IncidentState
from rattle.station.store.reading.incidents import VerdictAsked, counts_by_verdict, incidents
from rattle.station.store.reading.reviews import given
from rattle.station.store.reading.views import IncidentView
from rattle.station.web.pages.amounts_said import score_said
from rattle.station.web.pages.errors import refused
from rattle.station.web.pages.happened import lasted
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter()
A_PAGE = 50
Filter = Literal["machine", "kind", "level", "verdict", "state"]
CHOICES: Mapping[Filter, Mapping[str, str]] = {
    "verdict": {"none": "not reviewed", "anomaly": "anomaly", "normal": "normal", "unsure": "unsure"},
    "level": {"alarm": "alarms", "watch": "watches"},
    "kind": {"machine": "machines", "microphone": "microphones", "source": "lost sources"},
    "state": {"open": "going on", "ended": "ended", "interrupted": "interrupted"},
}
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "verdict": get_args(VerdictAsked),
    "level": get_args(Level),
    "kind": get_args(IncidentKind),
    "state": get_args(IncidentState),
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
def incidents_page(request: Request, before: str = "", done: str = "") -> HTMLResponse:
    """List the incidents that the filters in the address leave, the newest first."""
    context = context_of(request)
    asked = {name: request.query_params[name] for name in CHOICES if request.query_params.get(name)}
    machine = request.query_params.get("machine", "")
    wrong = next((name for name in asked if asked[name] not in ALLOWED[name]), None)  # type: ignore[index]
    if wrong is not None:
        said = f"The address asks for the {wrong} “{asked[wrong]}”, which there is not."  # type: ignore[index]
        return refused(request, 400, said, "/incidents", "All incidents")
    names = {each.name: each.id for each in context.board.machines()}
    if machine and machine not in names:
        said = f"No machine called {machine} is listened to."
        return refused(request, 404, said, "/incidents", "All incidents")
    with context.database.reading() as session:
        try:
            found = incidents(
                session,
                machine_id=names.get(machine),
                before=before or None,
                limit=A_PAGE + 1,
                **asked,  # type: ignore[arg-type]
            )
        except DataError:
            said = "The incident that this list goes on from is gone."
            return refused(request, 404, said, "/incidents", "All incidents")
        counts = counts_by_verdict(session, names.get(machine))
        said_last = given(session, done)
    holding = dict(asked) | ({"machine": machine} if machine else {})
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return shown(
        request,
        "incidents",
        title="Incidents",
        here="incidents",
        lines=[_line(each, context.now()) for each in found[:A_PAGE]],
        filters={name: _links(name, holding) for name in CHOICES},
        machine=machine,
        without_machine=_address({k: v for k, v in holding.items() if k != "machine"}),
        is_filtered=bool(holding),
        counts=counts,
        more=_address({**holding, "before": more}) if more else "",
        here_again=_address(holding),
        given=said_last,
    )


def _line(incident: IncidentView, now: object) -> Line:
    return Line(incident, lasted(incident, now), score_said(incident.peak))  # type: ignore[arg-type]


def _links(name: Filter, holding: Mapping[str, str]) -> list[Link]:
    links = []
    for value, word in CHOICES[name].items():
        holds = holding.get(name) == value
        others = {key: said for key, said in holding.items() if key != name}
        links.append(Link(word, _address(others if holds else {**others, name: value}), holds))
    return links


def _address(query: Mapping[str, str | None]) -> str:
    said = urlencode({key: value for key, value in query.items() if value})
    return f"/incidents?{said}" if said else "/incidents"
