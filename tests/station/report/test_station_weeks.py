"""Weeks by the clock of the plant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.errors import DataError
from rattle.station.report.weeks import Week

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), None])
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))


@given(at=TIMES, zone=ZONES)
def test_every_time_is_in_the_week_that_it_is_said_to_be_in(
    at: datetime, zone: tzinfo | None
) -> None:
    week = Week.of(at, zone)
    assert week.begins(zone) <= at < week.ends(zone)
    assert week.before().ends(zone) == week.begins(zone)
    assert week.after().begins(zone) == week.ends(zone)
    assert week.before() < week < week.after()
    assert Week.parse(str(week)) == week
    begins = week.begins(zone).astimezone(zone)
    assert (begins.isoweekday(), begins.hour, begins.minute) == (1, 0, 0)


def test_a_week_in_which_clocks_are_changed_is_an_hour_shorter_or_longer() -> None:
    for text, hours in (("2026-W13", 167), ("2026-W43", 169), ("2026-W30", 168)):
        week = Week.parse(text)
        assert week.ends(BERLIN) - week.begins(BERLIN) == timedelta(hours=hours)


def test_a_new_year_may_begin_in_the_old_one() -> None:
    assert Week.of(datetime(2024, 12, 30, tzinfo=UTC), UTC) == Week(2025, 1)
    assert str(Week(2027, 1).before()) == "2026-W53"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-12",
        "2026-W1",
        "2026-W00",
        "2025-W53",
        "2026-W99",
        "1999-W10",
        "2026-W12\n",
    ],
)
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="is no week; expected one as 2026-W12"):
        Week.parse(text)
