"""Give machines as they are, and what they sounded like over time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rattle.scoring.budget.ledger import Level
from rattle.station.board import MachineNow, SourceNow
from rattle.station.store.reading.minutes import thresholds, timeline
from rattle.station.store.reading.plant import FalseIncidents, false_incidents
from rattle.station.web.access import REVIEWER, Given
from rattle.station.web.api import machine_answers as answers
from rattle.station.web.api.answer import CONFLICT, NOT_FOUND, USUAL
from rattle.station.web.context import Context
from rattle.station.web.pages.incident import rule_of

router = APIRouter(tags=["machines"], responses=USUAL)

LONGEST = timedelta(days=2 * 366)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Span(BaseModel):
    """A span of time of one source."""

    model_config = ConfigDict(extra="forbid")
    source: str | None = Field(
        None, max_length=64, description="Id or name of one of its sources; without it the first."
    )
    begin: AwareDatetime | None = Field(
        None, description="With a time zone; without it a day before the end. From 2000 on."
    )
    end: AwareDatetime | None = Field(None, description="With a time zone; without it now.")


class TimelineSpan(Span):
    """A span of time, and in how many stretches it is told."""

    points: int = Field(600, ge=10, le=2000, description="At most about so many stretches.")


class Running(BaseModel):
    """What a program says of a machine."""

    model_config = ConfigDict(extra="forbid")
    running: bool = Field(description="Whether the machine runs from now on.")


@router.get("/machines")
def every_machine(context: Given) -> answers.Machines:
    """List all machines as they are now."""
    false = _false(context)
    machines = [_machine(each, false) for each in context.board.machines()]
    return answers.Machines(machines=machines)


@router.get("/machines/{machine}", responses=NOT_FOUND)
def one_machine(machine: str, context: Given) -> answers.Machine:
    """Give one machine, by id or name, as it is now."""
    return _machine(find_machine(context, machine), _false(context))


@router.get("/machines/{machine}/timeline", responses=NOT_FOUND)
def timeline_of(
    machine: str, span: Annotated[TimelineSpan, Query()], context: Given
) -> answers.Timeline:
    """Tell what one of a machine's sources heard, from years down to seconds."""
    found = find_machine(context, machine)
    source = _source(found, span.source)
    begin, end = _bounds(span, context.now())
    with context.database.reading() as session:
        rule = rule_of(context.file, found.name)
        line = timeline(session, source.id, begin, end, span.points, rule=rule)
    return answers.Timeline(
        source_id=source.id,
        step_s=line.step_s,
        at=line.at.tolist(),
        highest=_numbers(line.highest),
        lowest=_numbers(line.lowest),
        level_db=_numbers(line.level_db),
        running=_numbers(line.running),
        lost=_numbers(line.lost),
        fitness=list(line.fitness),
        operating=list(line.operating),
    )


@router.get("/machines/{machine}/thresholds", responses=NOT_FOUND)
def thresholds_of(
    machine: str, span: Annotated[Span, Query()], context: Given
) -> answers.Thresholds:
    """List the thresholds that one of a machine's sources had, each with its reason."""
    source = _source(find_machine(context, machine), span.source)
    begin, end = _bounds(span, context.now())
    with context.database.reading() as session:
        held = thresholds(session, source.id, begin, end)
    every = [answers.Threshold.model_validate(each) for each in held]
    return answers.Thresholds(source_id=source.id, thresholds=every)


@router.post(
    "/machines/{machine}/running", dependencies=[REVIEWER], responses={**NOT_FOUND, **CONFLICT}
)
def say_running(machine: str, said: Running, context: Given) -> Running:
    """Say that a machine runs, or does not, whose running is "by tag"."""
    found = find_machine(context, machine)
    if found.running != "by tag":
        raise HTTPException(
            409,
            f'It is known "{found.running}" whether {found.name} runs. Set running = "by tag" of '
            "this machine in plant.toml to say it.",
        )
    if found.station:
        raise HTTPException(
            409,
            f"The station {found.station} listens to {found.name}; say it there, at "
            f"{found.address}.",
        )
    context.station.set_running(found.id, said.running)
    return said


def find_machine(context: Context, machine: str) -> MachineNow:
    """Find a machine by id or name; raises ``HTTPException`` 404 where there is none."""
    found = context.board.machine(machine)
    if found is None:
        found = next((each for each in context.board.machines() if each.name == machine), None)
    if found is None:
        raise HTTPException(404, f"There is no machine {machine!r}.")
    return found


def find_source(context: Context, source: str) -> SourceNow:
    """Find a source by id or name; raises ``HTTPException`` 404 where there is none."""
    for machine in context.board.machines():
        for each in machine.sources:
            if source in (each.id, each.name):
                return each
    raise HTTPException(404, f"There is no source {source!r}.")


def _source(machine: MachineNow, source: str | None) -> SourceNow:
    for each in machine.sources:
        if source is None or source in (each.id, each.name):
            return each
    raise HTTPException(404, f"{machine.name} has no source {source!r}.")


def _bounds(span: Span, now: datetime) -> tuple[datetime, datetime]:
    for given in (span.begin, span.end):
        if given is not None and not EARLIEST <= given <= LATEST:
            raise HTTPException(422, "begin and end are between the years 2000 and 2200.")
    end = now if span.end is None else span.end
    begin = end - timedelta(days=1) if span.begin is None else span.begin
    if not timedelta(0) < end - begin <= LONGEST:
        raise HTTPException(422, "begin is before end, and at most two years before it.")
    return begin, end


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


_False = dict[tuple[str, Level], FalseIncidents]


def _false(context: Context) -> _False:
    with context.database.reading() as session:
        return false_incidents(session, context.now())


def _machine(machine: MachineNow, false: _False) -> answers.Machine:
    levels: dict[str, Level] = {"false_alarms": "alarm", "false_watches": "watch"}
    counts = {
        name: dataclasses.asdict(false.get((machine.id, level), FalseIncidents()))
        for name, level in levels.items()
    }
    fields = {
        name: getattr(machine, name) for name in answers.Machine.model_fields if name not in counts
    }
    return answers.Machine.model_validate(
        {**fields, **counts, "sources": [answers.Source.model_validate(s) for s in machine.sources]}
    )
