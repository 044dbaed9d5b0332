"""Let an admin try whether a channel works."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from rattle.station.ids import new_id
from rattle.station.store.audit import note
from rattle.station.store.notices import TEST, Notice, add
from rattle.station.web.access import ADMIN, who
from rattle.station.web.pages.shell import context_of

router = APIRouter(dependencies=[ADMIN], include_in_schema=False)


@router.post("/health/test-notice")
def send_test(request: Request, channel: Annotated[str, Form()]) -> Response:
    """Send a channel a test, at once, whatever its quiet hours are."""
    context, asks = context_of(request), who(request)
    if channel not in {tell.name for tell in context.file.tell}:
        raise HTTPException(404, f"plant.toml names no channel {channel!r} to tell.")
    now = context.now()
    body = {
        "title": f"Test from {context.file.plant}",
        "text": f"{asks} sent this to see whether it arrives. Nothing has happened.",
        "link": f"{context.file.address}/health",
    }
    with context.database.writing() as session:
        add(session, [Notice(channel, TEST, f"{TEST}:{new_id(now)}", now, body)], now)
        note(session, now, asks, "test notice", channel=channel)
    return RedirectResponse("/health#told", 303)
