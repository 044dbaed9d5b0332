"""How unusual a score is among healthy clips, in words and as a p-value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.scoring.decision import Decision, Unusual

SCORES = st.lists(st.integers(0, 50).map(float), min_size=1, max_size=80).map(np.array)


@pytest.mark.parametrize(
    ("above", "of", "said"),
    [
        (60, 60, "higher than all of 60 healthy clips"),
        (57, 60, "higher than 57 of 60 healthy clips"),
        (0, 60, "lower than all of 60 healthy clips"),
        (1, 1, "higher than all of 1 healthy clip"),
    ],
)
def test_it_is_said_in_words(above: int, of: int, said: str) -> None:
    assert str(Unusual(above, of)) == said


@given(SCORES, st.integers(-5, 55))
def test_the_p_value_is_that_of_conformal_prediction(healthy: np.ndarray, score: int) -> None:
    unusual = Decision.of(healthy, 0.05).unusual(float(score))
    assert unusual.above == sum(other < score for other in healthy)
    as_high = sum(other >= score for other in healthy)
    assert unusual.p_value == pytest.approx((1 + as_high) / (1 + len(healthy)))


@given(SCORES, st.floats(0.01, 0.5))
def test_a_clip_above_a_supported_threshold_has_a_p_value_of_at_most_the_rate(
    healthy: np.ndarray, rate: float
) -> None:
    decision = Decision.of(healthy, rate)
    if decision.threshold.supported:
        higher = decision.threshold.value + 0.5
        assert decision.unusual(higher).p_value <= rate + 1e-9


def test_among_clips_alike_p_values_are_spread_evenly() -> None:
    rng = np.random.default_rng(4)
    drawn = [Decision.of(rng.normal(size=60), 0.05).unusual(rng.normal()) for _ in range(4000)]
    p_values = np.array([one.p_value for one in drawn])
    for level in (0.05, 0.1, 0.5, 0.9):
        assert np.mean(p_values <= level) == pytest.approx(level, abs=0.02)
