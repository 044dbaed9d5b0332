"""List all pages."""

from __future__ import annotations

from fastapi import APIRouter

from rattle.station.web.pages import (
    channels,
    enrol,
    enrolment,
    health,
    incident,
    incidents,
    jobs,
    login,
    machine,
    queue,
    release,
    reports,
    settings,
    static_files,
    verdicts,
    wall,
)

PAGES = (
    wall,
    machine,
    incidents,
    queue,
    verdicts,
    incident,
    release,
    enrol,
    enrolment,
    jobs,
    reports,
    health,
    channels,
    settings,
    login,
    static_files,
)

router = APIRouter()
for _page in PAGES:
    router.include_router(_page.router)
