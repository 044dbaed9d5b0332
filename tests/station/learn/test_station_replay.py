"""Stored windows come out as the ear had them: the same minutes, whatever was not scored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up_known import made_up
from rattle.scoring.budget.minutes import MinuteClock
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.clip import Mix
from rattle.scoring.score import Scale
from rattle.station.learn.replay import Kept, Voice, minutes_of
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files

RULE = AlarmRule(3, 5)


@settings(max_examples=60)
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


def test_of_what_is_kept_some_hours_are_read_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for hour in range(9):
        ends = np.array([(noon + timedelta(hours=hour, minutes=5)).timestamp()])
        z = np.full((1, 4), hour, np.float16)
        encoder = "another" if hour == 8 else "own"
        embedding_files.append(tmp_path, Embeddings("s", encoder, ends, z))
    kept = Kept(tmp_path, "s", "own", noon + timedelta(hours=9))
    assert [int(piece.z[0, 0]) for piece in kept.hours(2)] == [0, 7]
    assert [int(piece.z[0, 0]) for piece in kept.hours(100)] == [*range(8)]


def test_voices_are_the_same_where_all_that_makes_a_score_is() -> None:
    head, mix = made_up("bce+ddcsad").head, Mix(0.5, Scale(0.0, 1.0))
    voice = Voice(head, mix)
    assert head.weight is not None
    assert voice.is_same(Voice(replace(head, weight=head.weight.copy()), mix))
    assert not voice.is_same(Voice(replace(head, weight=head.weight + 1), mix))
    assert not voice.is_same(Voice(head, Mix(0.5, Scale(0.0, 2.0))))
    assert not voice.is_same(Voice(made_up("bce").head, mix))
