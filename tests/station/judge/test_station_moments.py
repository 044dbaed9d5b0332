"""Which minutes are offered for listening."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rattle.station.judge.moments import (
    AFTER_MINUTES,
    APART,
    DAY,
    MOST,
    MOST_A_DAY,
    SINCE,
    OddMoments,
    OfferedLately,
)

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def offered(moments: OddMoments, values: list[float], began: datetime = BEGAN) -> list[int]:
    return [place for place, y in enumerate(values) if moments.minute(began + place * MINUTE, y)]


def test_the_first_minutes_have_nothing_to_be_compared_with() -> None:
    assert offered(OddMoments(), [9.0] * AFTER_MINUTES) == []


@given(st.integers(0, 2**32 - 1))
def test_the_highest_minute_of_a_week_is_offered_whenever_it_comes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.gumbel(size=600).tolist()
    highest = int(rng.integers(AFTER_MINUTES, 600))
    values[highest] = 50.0
    assert highest in offered(OddMoments(), values)


def test_what_is_near_a_moment_is_offered_again_only_where_it_is_higher() -> None:
    moments = OddMoments()
    offered(moments, [0.0] * 20)
    later = BEGAN + 60 * MINUTE
    assert offered(moments, [5.0, 4.0, 6.0, 5.5], later) == [0, 2]


def test_after_a_week_a_lower_moment_is_among_the_oddest_again() -> None:
    before = [(BEGAN + place * APART, 9.0) for place in range(MOST)]
    moments = OddMoments(before)
    assert not moments.minute(BEGAN + timedelta(days=1), 1.0)
    assert moments.minute(BEGAN + SINCE + MOST * APART, 1.0)


def test_what_was_offered_before_a_restart_is_not_offered_by_less() -> None:
    before = [(BEGAN + place * APART, 5.0 + place) for place in range(MOST)]
    moments = OddMoments(before)
    assert not moments.minute(BEGAN + timedelta(days=1), 4.0)
    assert moments.minute(BEGAN + timedelta(days=1), 5.5)


GROWING = [place / 100 for place in range(3 * 24 * 60)]


def test_a_machine_that_grows_louder_is_offered_ten_times_a_day_and_late_as_well() -> None:
    places = offered(OddMoments(), GROWING)
    for first in range(0, len(GROWING), 60):
        assert sum(first <= place < first + DAY // MINUTE for place in places) <= MOST_A_DAY
    # Each of the later ones is higher by far: the day is not used up in its first minutes.
    assert sum(place < 24 * 60 for place in places) == MOST_A_DAY
    assert max(place for place in places if place < 24 * 60) > 120


def test_the_sources_of_a_machine_share_its_ten_a_day() -> None:
    shared = OfferedLately()
    sources = [OddMoments(offered=shared) for _ in range(4)]
    count = sum(
        each.minute(BEGAN + place * MINUTE, y)
        for place, y in enumerate(GROWING[: 24 * 60])
        for each in sources
    )
    assert count == MOST_A_DAY


def test_a_restart_offers_no_ten_more() -> None:
    values = GROWING[: 24 * 60]
    places = offered(OddMoments(), values)
    before = [(BEGAN + place * MINUTE, values[place]) for place in places]
    assert offered(OddMoments(before), [50.0, 99.0], BEGAN + timedelta(hours=23)) == []


def test_a_clock_that_was_ahead_for_a_while_silences_no_moments() -> None:
    moments = OddMoments([(BEGAN + timedelta(days=400), 9.0)] * MOST_A_DAY)
    assert offered(moments, [1.0]) == [0]
