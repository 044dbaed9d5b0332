"""Show one incident: what happened, how it sounds, why it stands out, what people said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from rattle.scoring.budget.rule import AlarmRule
from rattle.station.config.model import Machine, Plant
from rattle.station.store.reading.incidents import faults_named, incident, nearest, reviews_of
from rattle.station.store.reading.minutes import thresholds, timeline
from rattle.station.store.reading.reviews import Given, given
from rattle.station.store.reading.views import IncidentView, ReviewView
from rattle.station.web.context import Context
from rattle.station.web.pages.course import Course, course
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.explanation import Explanation, explanation
from rattle.station.web.pages.happened import Happened, happened, title_of
from rattle.station.web.pages.kept_at import KeptAt, found_here, kept_at
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.sounds import Alike, Sound, alike, sounds

router = APIRouter()
# What is shown of the score before an incident and after it, and of one that goes on for days.
AROUND = timedelta(minutes=15)
MOST_SHOWN = timedelta(hours=12)


@dataclass(frozen=True)
class Detail:
    """All that the page shows of an incident."""

    incident: IncidentView
    title: str
    happened: Happened
    sounds: list[Sound]
    silence: str
    kept_at: KeptAt | None
    course: Course | None
    explanation: Explanation | None
    alike: list[Alike]
    reviews: list[ReviewView]
    faults: list[str]


@router.get("/incidents/{incident_id}", response_class=HTMLResponse, include_in_schema=False)
def incident_page(request: Request, incident_id: str, done: str = "") -> HTMLResponse:
    """Show an incident; ``done`` is a review that was just given."""
    context = context_of(request)
    with context.database.reading() as session:
        found = detail(session, context, incident_id)
        said: Given | None = given(session, done)
    if found is None:
        return not_there(request, "There is no such incident.", "/incidents", "All incidents")
    return shown(request, "incident", title=found.title, here="incidents", detail=found, given=said)


def detail(session: Session, context: Context, incident_id: str) -> Detail | None:
    """Read what is shown of an incident; None where there is none of that id."""
    found = incident(session, incident_id)
    if found is None:
        return None
    data = context.file.data
    now, rule = context.now(), rule_of(context.file, found.machine)
    title = title_of(found)
    return Detail(
        incident=found,
        title=title,
        happened=happened(found, now),
        sounds=sounds(found_here(found.clips, data), found.opened, title),
        silence=why_silent(found),
        kept_at=kept_at(session, found, data),
        course=_course(session, found, now, rule) if found.kind == "machine" else None,
        explanation=explanation(title, found.explanation),
        alike=alike(nearest(session, incident_id), data),
        reviews=reviews_of(session, incident_id),
        faults=faults_named(session),
    )


def why_silent(found: IncidentView) -> str:
    """Say why there is no recording to play."""
    if found.recording_dropped:
        return f"No recording is kept: {found.recording_dropped}."
    if found.kind == "source":
        return "There is no recording: nothing was heard."
    if found.kind == "drift":
        return "No recording is kept: this is about days of sound, not a moment."
    if found.kind == "microphone":
        return "No recording is kept: this is about the microphone, not the machine."
    if found.clips:
        return "Its recording is gone from the disk."
    if found.state == "open":
        return "Its recording is still being made."
    return "No recording is kept of it: it made room for newer ones, or could not be written."


def rule_of(file: Plant, machine: str) -> AlarmRule:
    """Find by which rule a machine's scores become Y; the usual one where it left the file."""
    usual: str = Machine.model_fields["alarm"].default
    named = (each.alarm for each in file.machine if each.name == machine)
    return AlarmRule.parse(next(named, usual))


def _course(session: Session, found: IncidentView, now: datetime, rule: AlarmRule) -> Course:
    begin = found.opened - AROUND
    end = min((found.ended or now) + AROUND, now, begin + MOST_SHOWN)
    heard = timeline(session, found.source_id, begin, end, rule=rule)
    limits = thresholds(session, found.source_id, begin, end)
    return course(
        f"Score around the incident of {found.machine}", begin, end, heard, limits, [found]
    )
