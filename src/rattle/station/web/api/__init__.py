"""Give programs what the pages show, as JSON under ``/api/v1``; ``openapi.json`` describes it.

Begin with ``machines``.
"""

from __future__ import annotations

from fastapi import APIRouter

from rattle.station.web.api import (
    enrolments,
    health,
    incidents,
    jobs,
    machines,
    releases,
    reports,
    reviews,
)

router = APIRouter(prefix="/api/v1")
for room in (machines, incidents, reviews, releases, enrolments, jobs, reports, health):
    router.include_router(room.router)
