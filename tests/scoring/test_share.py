"""A share and its interval, against published figures and by what must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.scoring.share import Share

TRIALS = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("found", "trials", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_newcombes_table(
    found: int, trials: int, low: float, high: float
) -> None:
    share = Share.of(found / trials, trials)
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)


@given(st.floats(0, 1), TRIALS)
def test_the_share_lies_in_its_interval_and_that_in_0_to_1(value: float, trials: int) -> None:
    share = Share.of(value, trials)
    assert 0 <= share.low <= value + 1e-12
    assert value - 1e-12 <= share.high <= 1
    assert share.high > share.low


@given(st.floats(0, 1), TRIALS)
def test_more_trials_make_it_narrower_and_the_opposite_mirrors_it(
    value: float, trials: int
) -> None:
    share, more = Share.of(value, trials), Share.of(value, 2 * trials)
    assert more.high - more.low < share.high - share.low
    other = Share.of(1 - value, trials)
    assert (other.low, other.high) == pytest.approx((1 - share.high, 1 - share.low), abs=1e-12)


@pytest.mark.parametrize(("value", "trials"), [(0.5, 0), (-0.1, 3), (1.1, 3), (float("nan"), 3)])
def test_what_is_no_share_is_refused(value: float, trials: int) -> None:
    with pytest.raises(ValueError, match="a share of 0 to 1 of at least one trial"):
        Share.of(value, trials)
