"""The threshold: an order statistic, and what it promises of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import beta

from rattle.scoring.threshold import (
    SCORES_AGREE_WITHIN,
    Threshold,
    beta_quantiles,
    fit_threshold,
    remark_on,
    silencing,
)

SCORES = hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-1e3, 1e3))


def test_the_threshold_is_the_kth_largest_score() -> None:
    # (39 + 1) * 0.05 = 2: the second largest of 0 ... 38, in whatever order they come.
    scores = np.random.default_rng(0).permutation(39).astype(np.float64)
    threshold = fit_threshold(scores, 0.05)
    assert threshold.value == 37
    assert (threshold.clips, threshold.false_alarm_rate) == (39, 0.05)
    assert threshold.supported
    assert threshold.warning is None


@pytest.mark.parametrize(("clips", "k"), [(19, 1), (38, 1), (39, 2), (58, 2), (59, 3), (199, 10)])
def test_k_is_the_largest_whose_expected_rate_is_at_most_the_one_asked_for(clips, k) -> None:
    assert fit_threshold(np.arange(clips, dtype=np.float64), 0.05).value == clips - k


@given(SCORES, st.floats(0.01, 0.9))
def test_at_most_the_asked_share_of_the_fitted_clips_is_above(scores, rate) -> None:
    threshold = fit_threshold(scores, rate)
    above = (scores > threshold.value).sum()
    # k - 1 of them at the most, with k <= (n + 1) rate.
    assert above <= max((len(scores) + 1) * rate - 1, 0) + 1e-6
    assert threshold.value in scores
    assert 0 <= threshold.low < threshold.high <= 1


@pytest.mark.parametrize(("clips", "rate"), [(19, 0.05), (30, 0.1), (60, 0.05), (100, 0.2)])
def test_new_normal_clips_raise_no_more_alarms_than_asked_for(clips: int, rate: float) -> None:
    # Scores even between 0 and 1: the true false-alarm rate of a threshold t is 1 - t.
    rng = np.random.default_rng([clips, 7])
    fitted = [fit_threshold(rng.random(clips), rate) for _ in range(1500)]
    true_rates = np.array([1 - threshold.value for threshold in fitted])
    standard_error = true_rates.std() / np.sqrt(len(true_rates))
    assert true_rates.mean() <= rate + 3 * standard_error
    # And no fewer than the order statistics allow: k / (n + 1).
    expected = np.floor((clips + 1) * rate + 1e-9) / (clips + 1)
    assert true_rates.mean() == pytest.approx(expected, abs=4 * standard_error)


def test_the_interval_holds_the_true_rate_in_95_of_100_fits() -> None:
    rng = np.random.default_rng(3)
    fitted = [fit_threshold(rng.random(40), 0.1) for _ in range(1500)]
    held = [t.low <= 1 - t.value <= t.high for t in fitted]
    # Three standard errors of a share of 0.95 in 1,500.
    assert np.mean(held) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1500))


@pytest.mark.parametrize("trials", [1, 2, 18, 60, 1000, 20_000])
@pytest.mark.parametrize("share_of_trials", [0.0, 0.05, 0.5, 1.0])
def test_the_quantiles_of_the_beta_distribution_are_those_of_scipy(trials, share_of_trials) -> None:
    shares = np.array([1e-3, 0.025, 0.5, 0.975])
    k = max(round(share_of_trials * trials), 1)
    ours = beta_quantiles(shares, k, trials)
    np.testing.assert_allclose(ours, beta.ppf(shares, k, trials + 1 - k), rtol=1e-9, atol=1e-12)


def test_too_few_clips_give_the_highest_score_and_a_warning() -> None:
    threshold = fit_threshold(np.arange(18, dtype=np.float64), 0.05)
    assert threshold.value == 17
    assert not threshold.supported
    # k = 1 of 18: the rate is Beta(1, 18), whose quantiles are 1 - (1 - q)^(1 / 18).
    assert threshold.low == pytest.approx(1 - 0.975 ** (1 / 18))
    assert threshold.high == pytest.approx(1 - 0.025 ** (1 / 18))
    assert threshold.warning == (
        "18 healthy clips cannot show a false-alarm rate of 5.0%, which takes 1 more: the "
        "threshold is the highest score among them, and the true rate may be anywhere from 0.1% "
        "to 18.5%"
    )


def test_of_several_machines_one_sentence_tells_all_that_have_too_few_clips() -> None:
    enough, few, fewer = (fit_threshold(np.arange(n, dtype=np.float64), 0.05) for n in (60, 12, 2))
    assert remark_on({"a": enough}) is None
    assert remark_on({"a": enough, "b": few}) == f"b: {few.warning}"
    said = remark_on({"a": enough, "b": few, "c": fewer}) or ""
    assert said.startswith(
        "too few healthy clips to show a false-alarm rate of 5.0%, which takes 19: b has 12, c has "
        "2."
    )
    assert f"up to {fewer.high:.1%}" in said


def test_sixty_clips_show_five_percent() -> None:
    threshold = fit_threshold(np.arange(60, dtype=np.float64), 0.05)
    assert threshold.value == 57
    assert threshold.warning is None


@given(st.integers(1, 300), st.floats(0.004, 0.5))
def test_as_many_clips_as_the_warning_asks_for_are_enough(clips: int, rate: float) -> None:
    threshold = Threshold(0.0, rate, 0.0, 1.0, clips)
    if threshold.warning is None:
        return
    needed = clips + int(threshold.warning.split("which takes ")[1].split(" more")[0])
    assert needed > clips
    assert (needed + 1) * rate >= 1 - 1e-6
    assert needed * rate < 1


def test_a_rounding_error_is_no_reason_to_warn() -> None:
    # 49 * (1 / 49) is one step below 1.
    threshold = fit_threshold(np.arange(48, dtype=np.float64), 1 / 49)
    assert threshold.value == 47
    assert threshold.warning is None


def test_no_clips_give_no_threshold() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fit_threshold(np.array([]), 0.05)


# Clips that someone called normal


@given(SCORES)
def test_none_of_the_scores_that_it_silences_is_above_even_after_rounding(scores) -> None:
    level = silencing(scores)
    again = scores + SCORES_AGREE_WITHIN * np.maximum(np.abs(scores), 1)
    assert (again <= level + 1e-9).all()


@pytest.mark.parametrize(
    ("scores", "level"),
    [([0.2, 0.5], 0.501), ([50.0], 50.05), ([-50.0, -200.0], -49.95), ([0.0], 0.001)],
)
def test_it_is_as_low_as_rounding_of_the_highest_score_allows(scores, level: float) -> None:
    assert silencing(np.array(scores)) == pytest.approx(level, abs=1e-12)


def test_a_clip_that_is_much_louder_than_those_silenced_is_still_above() -> None:
    assert silencing(np.array([0.5, 0.1])) < 0.51
