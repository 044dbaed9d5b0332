"""Show the trainings of encoders: what waits, how far one is, and why one failed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.station.store.reading.jobs import jobs
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.workers import workers_of

router = APIRouter()
STATES = {
    "waiting": "waits",
    "running": "in training",
    "done": "trained",
    "failed": "failed",
    "dropped": "not wanted any more",
}


@router.get("/jobs", response_class=HTMLResponse, include_in_schema=False)
def jobs_page(request: Request) -> HTMLResponse:
    """List the last trainings, the newest first, each with its log."""
    context = context_of(request)
    with context.database.reading() as session:
        found = jobs(session)
    return shown(
        request,
        "jobs",
        title="Trainings",
        here="",
        jobs=found,
        states=STATES,
        workers=workers_of(request).there(context.now()),
    )
