"""Show one machine: its course over time, its sources, its thresholds and what they promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import LEVELS, SHARES
from rattle.station.amounts_said import level_said, score_said, span_said
from rattle.station.board import MachineNow, SourceNow
from rattle.station.report.weeks import Week
from rattle.station.store.reading.incidents import incidents
from rattle.station.store.reading.jobs import jobs
from rattle.station.store.reading.minutes import thresholds, timeline
from rattle.station.store.reading.plant import (
    FalseIncidents,
    false_incidents,
    threshold_history,
)
from rattle.station.store.reading.releases import promotions, releases
from rattle.station.store.reading.views import (
    IncidentView,
    PromotionView,
    ReleaseView,
    ThresholdView,
)
from rattle.station.store.reading.wall import opened_of
from rattle.station.web.context import Context
from rattle.station.web.pages.course import Course, course
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.happened import lasted
from rattle.station.web.pages.incident import rule_of
from rattle.station.web.pages.learning import Learning, learning_of
from rattle.station.web.pages.normal_sound import NormalSound, normal_sound_of
from rattle.station.web.pages.promise import Promise, promise
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.states import State, state_of_machine, state_of_source, y_now
from rattle.station.web.pages.wall import nearest_to_alarm
from rattle.station.web.workers import workers_of

router = APIRouter()
SPANS: Mapping[str, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
}
MOST_INCIDENTS, MOST_THRESHOLDS = 10, 30
MOST_MARKED = 200
QUIETEST_DBFS = -100.0


@dataclass(frozen=True)
class SourceCard:
    """A source at this moment, in words; shares are of the bars, 0 to 100."""

    now: SourceNow
    state: State
    score: str
    alarm: str
    watch: str
    score_share: float | None
    level: str
    level_share: float | None
    lag: str
    dropped: str


@dataclass(frozen=True)
class MachineView:
    """All that the page shows of a machine."""

    machine: MachineNow
    state: State
    sources: list[SourceCard]
    chosen: SourceNow
    span: str
    begin: datetime
    end: datetime
    course: Course
    are_all_marked: bool
    incidents: list[tuple[IncidentView, str]]
    promise: Promise
    history: list[ThresholdView]
    sources_by_id: Mapping[str, str]
    release: ReleaseView | None
    in_use_since: datetime | None
    learning: Learning
    facts: Mapping[str, str | datetime]
    rehearsal: Mapping[str, Any] | None
    normal_sound: NormalSound
    week: Week


@router.get("/machines/{name}", response_class=HTMLResponse, include_in_schema=False)
def machine_page(request: Request, name: str, span: str = "day", source: str = "") -> HTMLResponse:
    """Show the machine of that name; ``span`` is how far its course looks back."""
    context = context_of(request)
    machine = next((each for each in context.board.machines() if each.name == name), None)
    if machine is None or not machine.sources:
        return not_there(request, f"No machine called {name} is listened to.", "/", "To the plant")
    chosen = next((each for each in machine.sources if each.name == source), None)
    if span not in SPANS or (source and chosen is None):
        said = f"{name} has no such source or span of time."
        return not_there(request, said, f"/machines/{name}", f"To {name}")
    chosen = chosen or nearest_to_alarm(machine.sources) or machine.sources[0]
    has_worker = bool(workers_of(request).there(context.now()))
    with context.database.reading() as session:
        view = machine_view(session, context, machine, chosen, span, has_worker=has_worker)
    return shown(
        request, "machine", title=name, here="", view=view, spans=list(SPANS), most=MOST_MARKED
    )


def machine_view(
    session: Session,
    context: Context,
    machine: MachineNow,
    chosen: SourceNow,
    span: str,
    *,
    has_worker: bool,
) -> MachineView:
    """Read what is shown of a machine."""
    now, rule = context.now(), rule_of(context.file, machine.name)
    begin = now - SPANS[span]
    opened = opened_of(session, [machine.incident_id] if machine.incident_id else [])
    found = incidents(session, machine_id=machine.id, limit=MOST_INCIDENTS)
    marked, are_all_marked = _marked(session, chosen.id, begin, now)
    every = releases(session, machine.id)
    release = next((each for each in every if each.id == machine.release_id), None)
    chosen_releases = promotions(session, machine.id)
    held = thresholds(session, chosen.id, begin, now)
    return MachineView(
        machine=machine,
        state=state_of_machine(machine, opened),
        sources=[_card(each, now) for each in machine.sources],
        chosen=chosen,
        span=span,
        begin=begin,
        end=now,
        course=course(
            f"Score of {machine.name} in the last {span}",
            begin,
            now,
            timeline(session, chosen.id, begin, now, rule=rule),
            held,
            marked,
        ),
        are_all_marked=are_all_marked,
        incidents=[(each, lasted(each, now)) for each in found],
        promise=_promise(session, machine, chosen, held, now),
        history=threshold_history(session, machine.id, MOST_THRESHOLDS),
        sources_by_id={each.id: each.name for each in machine.sources},
        release=release,
        in_use_since=_in_use_since(release, chosen_releases),
        learning=learning_of(
            machine,
            every,
            chosen_releases,
            jobs(session, machine.id, limit=1),
            has_worker=has_worker,
        ),
        facts=facts_of(release) if release else {},
        rehearsal=release.report.get("rehearsal") if release else None,
        normal_sound=normal_sound_of(
            machine.sources,
            chosen,
            context.file.data,
            is_kept=bool(context.file.keep.sound),
        ),
        week=Week.of(now),
    )


def _marked(
    session: Session, source_id: str, begin: datetime, end: datetime
) -> tuple[list[IncidentView], bool]:
    """List the incidents to mark in a course, of each level the newest, and say if that is all."""
    found = [
        incidents(
            session,
            source_id=source_id,
            kind="machine",
            level=level,
            begin=begin,
            end=end,
            limit=MOST_MARKED + 1,
        )
        for level in LEVELS
    ]
    marked = [each for of_level in found for each in of_level[:MOST_MARKED]]
    return marked, all(len(of_level) <= MOST_MARKED for of_level in found)


def _promise(
    session: Session,
    machine: MachineNow,
    source: SourceNow,
    held: Sequence[ThresholdView],
    now: datetime,
) -> Promise:
    """Set the newest of a source's thresholds, which come in time order, beside what came."""
    of_all = [thresholds(session, each.id, now, now) for each in machine.sources]
    had = false_incidents(session, now)
    none = FalseIncidents()
    return promise(
        source,
        {each.level: each for each in held},
        [{each.level: each for each in of_source} for of_source in of_all],
        {level: had.get((machine.id, level), none) for level in SHARES},
        machine.budget_per_week,
    )


def facts_of(release: ReleaseView) -> dict[str, str | datetime]:
    """List what is known of a release's making."""
    report = release.report.items()
    return {key: _fact(value) for key, value in report if isinstance(value, str | int | float)}


def _in_use_since(release: ReleaseView | None, chosen: Sequence[PromotionView]) -> datetime | None:
    """Say when a release came into use: when it was chosen last, or with the file that names it."""
    if release is None:
        return None
    return next((each.at for each in chosen if each.release_id == release.id), release.created)


def _fact(value: str | float) -> str | datetime:
    """Read a time as one, so that it is shown like all others."""
    try:
        at = datetime.fromisoformat(str(value)) if len(str(value)) > len("2026-03-20") else None
    except ValueError:
        at = None
    return str(value) if at is None or at.tzinfo is None else at.astimezone(UTC)


def _card(source: SourceNow, now: datetime) -> SourceCard:
    top = source.alarm if source.alarm is not None and source.alarm > 0 else None
    share = None
    y = y_now(source)
    if y is not None and top is not None:
        share = round(100 * min(max(y / (1.25 * top), 0.0), 1.0), 1)
    level_share = None
    if source.level_db is not None:
        level_share = round(100 * min(max(1 - source.level_db / QUIETEST_DBFS, 0.0), 1.0), 1)
    return SourceCard(
        now=source,
        state=state_of_source(source),
        score=score_said(y),
        alarm=score_said(source.alarm),
        watch=score_said(source.watch),
        score_share=share,
        level=level_said(source.level_db),
        level_share=level_share,
        lag=f"{source.lag_s:.1f} s",
        dropped=span_said(source.dropped_s) if source.dropped_s >= 1 else "",
    )
