"""Give reports of weeks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from rattle.errors import DataError
from rattle.station.report.making import report_of, weeks_of
from rattle.station.report.weeks import Week
from rattle.station.web.access import Given
from rattle.station.web.api import report_answers as answers
from rattle.station.web.api.answer import NOT_FOUND, USUAL

router = APIRouter(tags=["reports"], responses=USUAL)

WeekAsked = Annotated[
    str, Path(pattern="^[0-9]{4}-W[0-9]{2}$", description="An ISO week, as 2026-W12.")
]


@router.get("/reports")
def every_week(context: Given) -> answers.Weeks:
    """List the weeks that there are reports of."""
    with context.database.reading() as session:
        weeks = weeks_of(session, context.now())
    return answers.Weeks(weeks=[answers.WeekInShort.model_validate(each) for each in weeks])


@router.get("/reports/{week}", responses=NOT_FOUND)
def report_of_week(week: WeekAsked, context: Given) -> answers.Report:
    """Give the report of a week, as far as it is over."""
    now = context.now()
    try:
        asked = Week.parse(week)
    except DataError as error:
        raise HTTPException(404, f"{error}.") from error
    if asked > Week.of(now):
        raise HTTPException(404, "That week has not begun.")
    with context.database.reading() as session:
        report = report_of(session, context.file.plant, asked, now)
    return answers.Report.model_validate(report)
