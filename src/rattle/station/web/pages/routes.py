"""List all pages."""

from __future__ import annotations

from fastapi import APIRouter

from rattle.station.web.pages import (
    health,
    incident,
    incidents,
    login,
    machine,
    queue,
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
    reports,
    health,
    settings,
    login,
    static_files,
)

router = APIRouter()
for _page in PAGES:
    router.include_router(_page.router)
