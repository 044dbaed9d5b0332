"""Show a machine that is being enrolled: its sound as it comes in, its detector, the next step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rattle.errors import BundleError, ConfigError, DataError
from rattle.station.amounts_said import level_said
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.wanted import as_in_the_file
from rattle.station.web.access import ADMIN, who
from rattle.station.web.api.enrolment_answers import Act
from rattle.station.web.api.enrolments import do, sentences
from rattle.station.web.pages.curves import HEIGHT, Frame, lines
from rattle.station.web.pages.enrol import SAID
from rattle.station.web.pages.errors import not_there, refused
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter(include_in_schema=False)

NONE = "There is no such enrolment: it was discarded, or the address is wrong."
# Of an hour's seconds a picture shows so many points.
POINTS = 600
QUIETEST_DB = -90.0


@dataclass(frozen=True)
class Levels:
    """The level over time as a curve, and dB values with their heights, in % from above."""

    curve: list[str]
    marks: list[tuple[str, float]]


@router.get("/enrol/{id_}", response_class=HTMLResponse)
def enrolment_page(request: Request, id_: str) -> HTMLResponse:
    """Show one."""
    context = context_of(request)
    found = context.station.enrolling.one(id_)
    if found is None:
        return not_there(request, NONE, "/enrol", "All machines that are enrolled")
    machine = context.board.machine(found.machine_id) if found.machine_id else None
    return shown(
        request,
        "enrolment",
        title=found.row.name,
        here="",
        now=found,
        said=SAID[found.row.state],
        machine=machine,
        level=level_said(None if found.heard is None else found.heard.level_db),
        levels=levels_of(found.pieces),
        fine=[] if found.checked is None else [c for c in found.checked.checks if c.is_fine],
        wrong=[] if found.checked is None else [c for c in found.checked.checks if not c.is_fine],
        table=as_in_the_file(found.row.config, context.file.data),
    )


@router.post("/enrol/{id_}/{act}", dependencies=[ADMIN])
def act_by_form(request: Request, id_: str, act: Act) -> Response:
    """Do the next step, and go where it shows."""
    context = context_of(request)
    found = context.station.enrolling.one(id_)
    if found is None:
        return not_there(request, NONE, "/enrol", "All machines that are enrolled")
    try:
        do(context, id_, act, who(request))
    except (BundleError, ConfigError, DataError) as error:
        return refused(request, 409, sentences(error), f"/enrol/{id_}", f"To {found.row.name}")
    return RedirectResponse("/enrol" if act == "discard" else f"/enrol/{id_}", 303)


def levels_of(pieces: Sequence[Piece]) -> Levels | None:
    """Draw the level second by second, or of longer ones the loudest; None where there is none."""
    at_s: list[float] = []
    values: list[float] = []
    for piece in pieces:
        begin = piece.at.timestamp()
        if at_s and begin - at_s[-1] > 2:
            at_s.append(begin)
            values.append(math.nan)
        at_s += [begin + second for second in range(len(piece.levels_db))]
        values += [max(level, QUIETEST_DB) for level in piece.levels_db]
    heard = [value for value in values if not math.isnan(value)]
    if not heard:
        return None
    step = -(-len(values) // POINTS)
    places = range(0, len(values), step)
    loudest = [max(values[place : place + step]) for place in places]
    low = 10 * math.floor(min(heard) / 10)
    frame = Frame(at_s[0], max(at_s[-1], at_s[0] + 60), low, 0.0)
    marks = [(f"{db} dB", 100 * frame.y(db) / HEIGHT) for db in range(0, int(low), -20)]
    return Levels(lines(frame, [at_s[place] for place in places], loudest), marks)
