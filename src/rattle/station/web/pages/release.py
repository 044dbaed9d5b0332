"""Show one release: what it learnt, what its gate shows, and let a person choose it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rattle.errors import DataError
from rattle.station.store.reading.releases import promotions, release
from rattle.station.web.access import REVIEWER, who
from rattle.station.web.api.releases import LONGEST_REASON, choose
from rattle.station.web.pages.errors import not_there, refused
from rattle.station.web.pages.learning import (
    VERDICTS,
    compared,
    curve_of,
    heard_of,
    is_judged,
    line_of,
)
from rattle.station.web.pages.machine import facts_of
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter(include_in_schema=False)
NONE = "There is no such release."


@router.get("/releases/{release_id}", response_class=HTMLResponse)
def release_page(request: Request, release_id: str) -> HTMLResponse:
    """Show a release beside the one that was in use when it was tried."""
    context = context_of(request)
    with context.database.reading() as session:
        found = release(session, release_id)
        chosen = [] if found is None else promotions(session, found.machine_id)
    machine = None if found is None else context.board.machine(found.machine_id)
    if found is None or machine is None:
        return not_there(request, NONE, "/", "To the plant")
    own = [each for each in chosen if each.release_id == found.id]
    gate = found.gate or {}
    return shown(
        request,
        "release",
        title=f"A release of {machine.name}",
        here="",
        machine=machine,
        line=line_of(found, own[0] if own else None),
        chosen=own,
        gate=gate,
        verdict=VERDICTS.get(str(gate.get("state")), ""),
        is_judged=is_judged(gate),
        heard=heard_of(gate) if gate else "",
        rows=compared(gate) if gate else [],
        curve=curve_of(found.gate),
        alarms={name: _listed(gate[name]) for name in ("lost", "gained") if gate},
        facts=facts_of(found),
        sources={each.id: each.name for each in machine.sources},
    )


def _listed(alarms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read when each alarm of a gate was, so that it is shown like all other times."""
    return [{**each, "at": datetime.fromisoformat(each["at"])} for each in alarms["listed"]]


@router.post("/releases/{release_id}/promote", dependencies=[REVIEWER])
def promote_by_form(
    request: Request,
    release_id: str,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:
    """Take a release into use, and go back to its machine."""
    context = context_of(request)
    with context.database.reading() as session:
        found = release(session, release_id)
    machine = None if found is None else context.board.machine(found.machine_id)
    if found is None or machine is None:
        return not_there(request, NONE, "/", "To the plant")
    try:
        choose(context, found, who(request), reason)
    except DataError as error:
        said = f"{str(error).rstrip('.')}."
        return refused(request, 409, said, f"/releases/{release_id}", "To the release")
    return RedirectResponse(f"/machines/{quote(machine.name)}#learning", 303)
