"""Stored windows come out as the ear had them: the same minutes, whatever was not scored."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle.scoring.budget.minutes import MinuteClock
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.learn.replay import minutes_of

RULE = AlarmRule(3, 5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 600),
    st.sampled_from([0.0, 0.05, 0.6]),
    st.sampled_from([0.992, 1.0, 1.024, 2.048]),
)
def test_minutes_are_those_that_the_clock_counts(
    seed: int, windows: int, unscored: float, hop_s: float
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random(windows)
    is_scored = rng.random(windows) >= unscored
    clock, expected, ends = MinuteClock(RULE, hop_s), [], []
    for place, score in enumerate(scores.tolist()):
        _, minute = clock.hop(score if is_scored[place] else None)
        if minute is not None:
            expected.append(minute)
            ends.append(1e9 + place * hop_s)
    found = minutes_of(1e9 + np.flatnonzero(is_scored) * hop_s, scores[is_scored], hop_s, RULE)
    assert found.minutes.tolist() == expected
    np.testing.assert_allclose(found.ends, ends)


def test_where_nothing_is_stored_there_is_no_minute() -> None:
    found = minutes_of(np.empty(0), np.empty(0), 1.0, RULE)
    assert len(found.minutes) == len(found.ends) == 0


def test_a_long_gap_ends_what_stood_out_before_it() -> None:
    ends = np.concatenate([np.arange(60), 10_000 + np.arange(60)]).astype(float)
    scores = np.zeros(120)
    scores[58:62] = 1.0  # two before the gap, two after it: never three of five
    assert minutes_of(ends, scores, 1.0, RULE).minutes.tolist() == [0.0, 0.0]
