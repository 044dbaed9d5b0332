"""Minutes are of sound that was scored; an incident ends after ten calm ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.scoring.budget.minutes import MinuteClock, around, incidents
from rattle.scoring.budget.rule import AlarmRule


def maxima(scores: list[float | None], hop_s: float = 1.0) -> list[float]:
    clock = MinuteClock(AlarmRule(1, 1), hop_s)
    found = (clock.hop(score)[1] for score in scores)
    return [minute for minute in found if minute is not None]


def test_a_minute_is_the_highest_of_sixty_seconds() -> None:
    scores: list[float | None] = [float(n) for n in range(180)]
    assert maxima(scores) == [59.0, 119.0, 179.0]


def test_an_hour_of_hops_that_are_no_whole_part_of_a_minute_has_sixty_minutes() -> None:
    hop_s = 0.992
    assert len(maxima([0.0] * round(3600 / hop_s + 1), hop_s)) == 60


@given(st.lists(st.booleans(), max_size=200))
def test_time_that_was_not_scored_fills_no_minute(is_scored: list[bool]) -> None:
    scores = [1.0 if scored else None for scored in is_scored]
    assert len(maxima(scores)) == sum(is_scored) // 60


def test_a_minute_in_which_never_enough_windows_were_scored_is_none() -> None:
    clock = MinuteClock(AlarmRule(3, 5), 1.0)
    scores = [5.0 if n % 3 == 0 else None for n in range(400)]
    assert all(clock.hop(score)[1] is None for score in scores)


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([4, 14], [(4, 14)]),  # nine calm minutes between
        ([4, 15], [(4, 4), (15, 15)]),
        ([0, 5, 9, 30, 31], [(0, 9), (30, 31)]),
    ],
)
def test_an_incident_ends_after_ten_calm_minutes(
    above: list[int], expected: list[tuple[int, int]]
) -> None:
    minutes = np.zeros(40)
    minutes[above] = 2.0
    firsts, lasts = incidents(minutes, 1.0)
    assert list(zip(firsts.tolist(), lasts.tolist(), strict=True)) == expected


def test_a_review_is_of_ten_minutes_either_side_within_what_was_heard() -> None:
    assert around(100, 50, 52) == slice(40, 63)
    assert around(100, 3, 98) == slice(0, 100)
