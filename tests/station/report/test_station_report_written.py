"""A report in words: as text, as HTML for a mail, and for the page, the same of one value."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from html_page import HtmlPage
from rattle.station.report.figures import (
    Alarm,
    Drift,
    Fault,
    Heard,
    InUse,
    MachineReport,
    Report,
    SourceReport,
    Thresholds,
    Verdicts,
)
from rattle.station.report.said import Document, said
from rattle.station.report.weeks import Week
from rattle.station.report.written import COLUMNS, as_html, as_text

WEEK = Week(2026, 12)
BEGIN = WEEK.begins(UTC)
HEARD = Heard(
    sound_s=6 * 86_400.0,
    lost_s=7200.0,
    off_s=79_200.0,
    running_s=4 * 86_400.0,
    unfit=(("clipped", 600.0), ("silent", 1800.0)),
    moved_s=86_400.0,
    scored=5760,
    listened=5760,
    expected=0.42,
    allowed=0.57,
)
PRESS = MachineReport(
    id="PRESS",
    name="press 3",
    budget_per_week=1.0,
    sources=(
        SourceReport(
            "S",
            "cam <1>",
            HEARD,
            troubles=3,
            thresholds=(Thresholds("alarm", None, 1.3, (("a day more was heard", 6),)),),
        ),
    ),
    alarms=Verdicts("alarm", anomaly=2, normal=1, none=1),
    watches=Verdicts("watch", unsure=1),
    going_on=1,
    newest_alarms=(
        Alarm("A2", BEGIN + timedelta(hours=30), 5400.0, "open", None, None),
        Alarm("A1", BEGIN + timedelta(hours=3), 900.0, "ended", "anomaly", "bearing"),
    ),
    faults=(Fault("bearing", 1, 900.0, False), Fault("", 1, 60.0, False)),
    drifts=(Drift("D", "cam <1>", BEGIN, None, "since 2026-03-02 the score is 0.4 higher", None),),
    releases=(InUse("R", "0123456789abcdef", BEGIN + timedelta(days=1)),),
)
QUIET = replace(
    PRESS,
    id="QUIET",
    name="fan",
    sources=(SourceReport("Q", "mic", Heard(off_s=604_800.0), 0, ()),),
    alarms=Verdicts("alarm"),
    watches=Verdicts("watch"),
    going_on=0,
    newest_alarms=(),
    faults=(),
    drifts=(),
    releases=(),
)
REPORT = Report("hall-3", WEEK, BEGIN, WEEK.ends(UTC), WEEK.ends(UTC), (PRESS, QUIET))
ADDRESS = "https://rattle.example"


def every_word(document: Document) -> list[str]:
    """All texts of a document, in order."""
    words = [document.title, document.span]
    for section in document.sections:
        words += [section.title, *section.sentences]
        for table in section.tables:
            words += [*table.head, *(cell.text for row in table.rows for cell in row)]
    return words


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_text_and_mail_hold_all_that_is_said() -> None:
    words = every_word(said(REPORT, UTC))
    text = squeezed(as_text(REPORT, UTC))
    mail = squeezed(HtmlPage(as_html(REPORT, ADDRESS, UTC)).said)
    for word in words:
        assert squeezed(word) in mail, word
        assert squeezed(word) in text, word


@pytest.mark.parametrize(
    "sentence",
    [
        "4 alarms: 2 fault, 1 false, 1 not reviewed; 1 watch.",
        "1 false alarm, and 1 of which nobody knows; expected 0.42, budget 0.57 for the 4 days "
        "of running sound in which an alarm could be raised.",
        "1 incident went on that had begun in a week before.",
        "Drift, noticed Mon 16 Mar 00:00 by cam <1>: since 2026-03-02 the score is 0.4 higher.",
        "Release 0123456789ab came into use Tue 17 Mar 00:00.",
        "Nothing was heard of it in this week.",
    ],
)
def test_it_says_what_happened(sentence: str) -> None:
    assert sentence in every_word(said(REPORT, UTC))


def test_the_plant_adds_its_machines_up() -> None:
    plant = said(REPORT, UTC).sections[0]
    assert plant.sentences[-1] == (
        "6 days of sound, all sources added up; for 2 h 0 min no sound came, for 7 days the "
        "station did not listen, for 40 minutes the sound was not fit to be judged."
    )
    overview, faults = plant.tables
    assert [row[0].text for row in overview.rows] == ["press 3", "fan"]
    assert [row[1].text for row in faults.rows] == ["bearing", "not named"]


def test_times_are_by_the_clock_of_the_plant() -> None:
    zone = ZoneInfo("America/New_York")
    ends = WEEK.ends(zone)
    report = replace(REPORT, begins=WEEK.begins(zone), ends=ends, until=ends)
    document = said(report, zone)
    assert document.span == "Mon 16 Mar 00:00 to Mon 23 Mar 00:00, by the plant's clock (EDT)"
    assert any("Mon 16 Mar 20:00" in word for word in every_word(document))


def test_a_week_that_goes_on_says_how_far_it_is() -> None:
    report = replace(REPORT, until=datetime(2026, 3, 20, 14, 30, tzinfo=UTC))
    assert not report.is_over
    document = said(report, UTC)
    assert document.note.startswith("This week is not over")
    assert "so far until Fri 20 Mar 14:30" in document.span
    assert document.note in as_html(report, ADDRESS, UTC)
    assert document.note in as_text(report, UTC)
    assert said(REPORT, UTC).note == ""


def test_a_week_without_anything_says_so_once() -> None:
    report = replace(REPORT, machines=(QUIET,))
    assert report.is_empty
    (section,) = said(report, UTC).sections
    assert section.sentences == (
        "Nothing was heard of any machine in this week, and nothing happened.",
    )
    assert said(replace(REPORT, machines=()), UTC).sections == (section,)


def test_where_no_threshold_was_in_force_no_alarm_is_promised() -> None:
    learning = replace(
        PRESS, sources=(replace(PRESS.sources[0], heard=replace(HEARD, listened=0)),)
    )
    words = every_word(said(replace(REPORT, machines=(learning,)), UTC))
    assert "No alarm could be raised: too little was heard for a threshold." in words


def test_a_mail_leads_to_the_station_and_loads_nothing() -> None:
    page = HtmlPage(as_html(REPORT, ADDRESS, UTC))
    assert page.open == []
    targets = [attributes["href"] for attributes in page.all("a")]
    assert f"{ADDRESS}/incidents/A1" in targets
    assert f"{ADDRESS}/machines/press%203" in targets
    assert f"{ADDRESS}/reports/2026-W12" in targets
    assert all(str(each).startswith((ADDRESS, "#")) for each in targets)
    for name in ("link", "script", "img"):
        assert page.all(name) == []
    assert "cam <1>" in page.said


def test_text_is_no_wider_than_a_mail() -> None:
    lines = as_text(REPORT, UTC).splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert not any(line != line.rstrip() for line in lines)
