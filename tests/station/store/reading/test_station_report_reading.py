"""A week's report is the same of both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from added_up import check
from made_up_station import NOW, MadeUpStation
from sqlalchemy import select

from rattle.station.report.making import report_of, weeks_of
from rattle.station.report.weeks import Week
from rattle.station.store.tables import MinuteRow


@pytest.mark.parametrize("number", [9, 10, 12])
def test_every_figure_agrees_with_either_database(number: int, station: MadeUpStation) -> None:
    week = Week(2026, number)
    until = min(week.ends(UTC), NOW)
    with station.context.database.reading() as session:
        report = report_of(session, "hall-3", week, NOW, UTC)
        check(session, report, week.begins(UTC), until)
    assert report.is_empty == (number == 9)


def test_the_made_up_week_is_told_as_it_was_made_up(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        report = report_of(session, "hall-3", Week(2026, 12), NOW, UTC)
    press = report.machines[0]
    alarms = press.alarms
    assert (alarms.anomaly, alarms.normal, alarms.unsure, alarms.none) == (1, 1, 0, 2)
    (fault,) = press.faults
    assert (fault.name, fault.seconds, fault.is_going_on) == ("bearing", 45 * 60, False)
    microphone = press.sources[1]
    assert microphone.heard.unfit == (("silent", 49 * 60.0),)
    assert microphone.troubles == 1
    reviewed = next(t for t in press.sources[0].thresholds if t.level == "alarm")
    assert (reviewed.before, reviewed.after, reviewed.reasons) == (1.6, 1.3, (("reviewed", 1),))


def test_a_clock_that_was_wrong_adds_no_weeks_that_were_not(station: MadeUpStation) -> None:
    wrong = [datetime(1970, 1, 1, 0, 5, tzinfo=UTC), datetime(2014, 5, 8, 12, 0, tzinfo=UTC)]
    with station.context.database.writing() as session:
        for at in wrong:
            minute = session.scalars(select(MinuteRow).limit(1)).one()
            values = {column.name: getattr(minute, column.name) for column in MinuteRow.__table__.c}
            session.add(MinuteRow(**values | {"at": at}))
    with station.context.database.reading() as session:
        weeks = [str(each.week) for each in weeks_of(session, NOW, UTC)]
    assert weeks == ["2026-W12", "2026-W11", "2026-W10", "2014-W19"]


def test_weeks_go_back_to_the_first_that_was_heard_or_happened(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        weeks = weeks_of(session, NOW + timedelta(days=7), UTC)
    assert [str(each.week) for each in weeks] == ["2026-W13", "2026-W12", "2026-W11", "2026-W10"]
    assert [each.is_over for each in weeks] == [False, True, True, True]
