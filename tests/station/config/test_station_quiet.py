"""Quiet hours begin and end by the clock on the plant's wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.station.config.quiet import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT, NOON = QuietHours.parse("22:00-06:00"), QuietHours.parse("11:30-13:00")


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, at(21, 59), None),
        (NIGHT, at(22), at(6, day=11)),
        (NIGHT, at(5, 59), at(6)),
        (NIGHT, at(6), None),
        (NOON, at(11, 30), at(13)),
        (NOON, at(13), None),
        (NOON, at(0), None),
    ],
)
def test_they_last_until_their_end(quiet: QuietHours, now: datetime, until: datetime) -> None:
    assert quiet.until(now, UTC) == until


def test_they_are_of_the_plants_zone_on_the_day_that_its_clock_is_set_as_well() -> None:
    assert NIGHT.until(at(20, 30), BERLIN) == at(4, day=11)  # half past ten there
    # In the night to 29 March 2026 the clock goes from two to three.
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    assert NIGHT.until(evening, BERLIN) == datetime(2026, 3, 29, 4, 0, tzinfo=UTC)


@given(
    now=st.datetimes(
        datetime(2026, 1, 1),
        datetime(2027, 1, 1),
        timezones=st.just(UTC),
    )
)
def test_no_moment_is_held_for_longer_than_a_night(now: datetime) -> None:
    until = NIGHT.until(now, BERLIN)
    if until is None:
        assert 6 <= now.astimezone(BERLIN).hour < 22
    else:
        assert timedelta(0) < until - now <= timedelta(hours=9)
        assert NIGHT.until(until, BERLIN) is None


@pytest.mark.parametrize(
    "text", ["22-6", "24:00-06:00", "22:00 - 06:00", "22:60-06:00", "06:00-06:00", ""]
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'such as "22:00-06:00"'):
        QuietHours.parse(text)
