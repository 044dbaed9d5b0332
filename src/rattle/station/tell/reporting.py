"""Tell of the week that is over: on Monday at seven by the clock of the plant, once.

It is found from the time and from what was told before, as all else is: a station that was off on
Monday morning tells when it is back, for a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rattle.station.config.told import Tell
from rattle.station.report.making import report_of
from rattle.station.report.said import said
from rattle.station.report.weeks import Week
from rattle.station.report.written import as_html, as_text
from rattle.station.store.notices import EXPIRES, Notice
from rattle.station.tell.finding import Past
from rattle.station.tell.words import Body, Words

REPORT = "report"
AT_HOUR = timedelta(hours=7)
MAIL = ("mailto", "mailtos")


def last_week(
    session: Session, tell: Tell, past: Past, words: Words, now: datetime
) -> list[Notice]:
    """Write the report of last week for a channel, where it is due and was not told."""
    this_week = Week.of(now, words.zone)
    at, week = this_week.begins(words.zone) + AT_HOUR, this_week.before()
    key = f"{REPORT}:{week}"
    is_due = at <= now < at + EXPIRES and past.since <= at
    if REPORT not in tell.about or not is_due or key in past.keys:
        return []
    return [Notice(tell.name, REPORT, key, at, _body(session, tell, week, words, now))]


def _body(session: Session, tell: Tell, week: Week, words: Words, now: datetime) -> Body:
    """All of it for a mail and for programs; what a telephone shows is the plant's part."""
    report = report_of(session, words.plant, week, now, words.zone)
    document = said(report, words.zone)
    body: Body = {
        "title": f"Report: {document.title}",
        "text": as_text(report, words.zone),
        "link": f"{words.address}{document.href}",
        "week": str(week),
    }
    if tell.kind in MAIL:
        body["html"] = as_html(report, words.address, words.zone)
    elif tell.kind != "webhook":
        body["text"] = "\n".join(document.sections[0].sentences)
    return body
