"""What people look at: pages that are made here, and read well without scripts.

    shell       what every page has around its own part
    wall, machine, incidents, incident, queue, health, settings, login, errors    a page each
    verdicts    takes what the pages' forms send
    states, happened, promise, amounts_said    what is said, in words
    curves, course, sounds, explanation        what is drawn and played

A page is a view, a frozen value made of what is remembered and of this moment, and a template that
shows it. ``../static`` adds what is live. Begin with ``router``.
"""

from __future__ import annotations

from fastapi import APIRouter

from rattle.station.web.pages import (
    health,
    incident,
    incidents,
    login,
    machine,
    queue,
    settings,
    style,
    verdicts,
    wall,
)

router = APIRouter()
for _page in (wall, machine, incidents, queue, verdicts, incident, health, settings, login, style):
    router.include_router(_page.router)
