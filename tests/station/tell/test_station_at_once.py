"""Machines that sound odd at once are told as one, and each for one time only."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rattle.station.tell.at_once import COMMON, WITHIN, AtOnce, new_at_once

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTES = st.lists(st.integers(0, 240), max_size=40).map(sorted)


def times(minutes: list[int]) -> list[datetime]:
    return [NOON + timedelta(minutes=minute) for minute in minutes]


def test_five_are_chance_and_six_are_one() -> None:
    assert new_at_once(times([0, 1, 2, 3, 4]), []) == []
    assert new_at_once(times([0, 2, 4, 6, 8, 10]), []) == [AtOnce(NOON)]
    assert new_at_once(times([0, 2, 4, 6, 8, 11]), []) == []


def test_what_comes_later_within_ten_minutes_is_of_the_same() -> None:
    found = new_at_once(times([0] * 6), [])
    assert new_at_once(times([0] * 6 + [9] * 20), found) == []
    after = times([11])[0]
    assert new_at_once(times([0] * 6 + [11] * 6), found) == [AtOnce(after)]


@given(MINUTES)
def test_as_time_goes_on_none_is_told_twice_and_no_crowd_is_missed(minutes: list[int]) -> None:
    opened, known = times(minutes), list[AtOnce]()
    for count in range(len(opened) + 1):
        known += new_at_once(opened[:count], known)
    begins = sorted(each.begin for each in known)
    assert all(b - a > WITHIN for a, b in itertools.pairwise(begins))
    free = [at for at in opened if not any(each.covers(at) for each in known)]
    spans = [b - a for a, b in zip(free, free[COMMON:], strict=False)]
    assert all(span > WITHIN for span in spans)
    # Looking once at the end finds as many.
    assert len(new_at_once(opened, [])) == len(known)
