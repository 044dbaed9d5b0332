"""Show the weeks of the plant, and the report of each: to be read, and to be printed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.errors import DataError
from rattle.station.report.making import report_of, weeks_of
from rattle.station.report.said import said
from rattle.station.report.weeks import Week
from rattle.station.web.pages.errors import not_there
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter()


@router.get("/reports", response_class=HTMLResponse, include_in_schema=False)
def reports_page(request: Request) -> HTMLResponse:
    """List the weeks that there are reports of."""
    context = context_of(request)
    with context.database.reading() as session:
        weeks = weeks_of(session, context.now())
    begins = {each.week: each.week.begins().astimezone() for each in weeks}
    return shown(request, "reports", title="Reports", here="", weeks=weeks, begins=begins)


@router.get("/reports/{week}", response_class=HTMLResponse, include_in_schema=False)
def report_page(request: Request, week: str) -> HTMLResponse:
    """Show the report of a week, such as 2026-W12: the plant, and each machine."""
    context = context_of(request)
    now = context.now()
    try:
        asked = Week.parse(week)
    except DataError as error:
        return not_there(request, f"{error}.", "/reports", "All reports")
    if asked > Week.of(now):
        return not_there(request, "That week has not begun.", "/reports", "All reports")
    with context.database.reading() as session:
        report = report_of(session, context.file.plant, asked, now)
    return shown(
        request,
        "report",
        title=f"Report {asked}",
        here="",
        document=said(report),
        earlier=asked.before(),
        later=asked.after() if report.is_over else None,
    )
