"""K of the last N windows above a level is one number above it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle import DataError
from rattle.scoring.budget.rule import AlarmRule, Statistic

SCORES = st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=40)
RULES = st.integers(1, 6).flatmap(
    lambda hops: st.integers(1, hops).map(lambda passes: AlarmRule(passes, hops))
)


@given(scores=SCORES, rule=RULES, level=st.floats(-5, 5))
def test_y_is_above_a_level_exactly_where_k_of_the_last_n_windows_are(
    scores: list[float | None], rule: AlarmRule, level: float
) -> None:
    statistic = Statistic(rule)
    for place, score in enumerate(scores):
        y = statistic.hop(score)
        last = scores[max(place + 1 - rule.hops, 0) : place + 1]
        passes = sum(each is not None and each > level for each in last)
        assert (y > level) == (passes >= rule.passes)


@given(scores=SCORES, rule=RULES)
def test_a_recording_has_the_same_y_as_its_stream(
    scores: list[float | None], rule: AlarmRule
) -> None:
    statistic = Statistic(rule)
    live = [statistic.hop(score) for score in scores]
    whole = rule.statistic(np.array([np.nan if s is None else s for s in scores], np.float64))
    assert whole.tolist() == live


@pytest.mark.parametrize("text", ["", "3", "3/", "0/5", "6/5", "3/5/7", "-1/5", "a/b", "3.5/5"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="expected K/N") as refused:
        AlarmRule.parse(text)
    assert refused.value.arguments == ("alarm",)


def test_a_rule_is_written_as_it_is_read() -> None:
    assert str(AlarmRule.parse("2/7")) == "2/7"
