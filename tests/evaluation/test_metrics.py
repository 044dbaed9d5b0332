"""Metrics against values by hand, scikit-learn and what must hold for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rattle.errors import DataError
from rattle.evaluation.metrics import auc, confusion, hanley_mcneil, pauc, tied_pairs

# A coarse grid makes ties frequent and keeps every monotone map below exact in floating point.
SCORES = hnp.arrays(
    np.float64, st.integers(1, 40), elements=st.integers(-20, 20).map(lambda n: n / 4)
)


def by_pairs(normal: NDArray[np.float64], anomaly: NDArray[np.float64]) -> float:
    """Equation 6 as it is written: a double sum."""
    return float((anomaly[:, None] - normal[None, :] > 0).mean())


def test_auc_counts_the_pairs_that_are_in_order_and_gives_a_tie_nothing() -> None:
    normal, anomaly = np.array([0.1, 0.4, 0.4]), np.array([0.4, 0.9])
    # 0.4 beats 0.1 alone and ties twice; 0.9 beats all three.
    assert auc(normal, anomaly) == 4 / 6
    assert tied_pairs(normal, anomaly) == 2


@given(SCORES, SCORES)
def test_auc_by_ranks_is_the_double_sum_of_equation_6(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    assert auc(normal, anomaly) == pytest.approx(by_pairs(normal, anomaly), abs=1e-12)


@given(SCORES, SCORES)
def test_half_of_the_tied_share_is_what_scikit_learn_adds(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    labels = np.repeat([0, 1], [normal.size, anomaly.size])
    theirs = roc_auc_score(labels, np.concatenate([normal, anomaly]))
    tied_share = tied_pairs(normal, anomaly) / (normal.size * anomaly.size)
    assert auc(normal, anomaly) + tied_share / 2 == pytest.approx(theirs, abs=1e-12)


@given(SCORES, SCORES)
def test_swapping_the_classes_leaves_only_the_ties_uncounted(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    tied_share = tied_pairs(normal, anomaly) / (normal.size * anomaly.size)
    assert auc(normal, anomaly) + auc(anomaly, normal) + tied_share == pytest.approx(1, abs=1e-12)


@given(SCORES, SCORES)
def test_a_rising_map_of_the_scores_changes_neither_auc_nor_pauc(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    rising = (np.exp(normal), np.exp(anomaly))
    assert auc(*rising) == auc(normal, anomaly)
    assert tied_pairs(*rising) == tied_pairs(normal, anomaly)
    assert pauc(*rising) == pytest.approx(pauc(normal, anomaly), abs=1e-12)


def test_pauc_looks_at_the_highest_tenth_of_the_normals_only() -> None:
    normal = np.arange(20) / 20
    above_all_but_one = np.full(5, 0.93)
    # Up to a rate of 0.05 nothing is found, from there everything: an area of 0.05 out of 0.1.
    # McClish: (1 + (0.05 - chance) / (best - chance)) / 2 with chance 0.1^2 / 2 and best 0.1.
    by_hand = (1 + (0.05 - 0.005) / (0.1 - 0.005)) / 2
    assert pauc(normal, above_all_but_one) == pytest.approx(by_hand)
    shuffled_below = np.concatenate([normal[:18][::-1], normal[18:]])
    assert pauc(shuffled_below, above_all_but_one) == pytest.approx(by_hand)


def test_the_interval_of_hanley_and_mcneil_is_the_one_computed_by_hand() -> None:
    # A = 0.9, N- = 60, N+ = 40: Q1 = 0.9 / 1.1, Q2 = 1.62 / 1.9;
    # SE^2 = (0.09 + 39 (0.818182 - 0.81) + 59 (0.852632 - 0.81)) / 2400 = 0.00121850.
    low, high = hanley_mcneil(0.9, n_normal=60, n_anomaly=40)
    assert low == pytest.approx(0.9 - 1.959964 * 0.0349070, abs=1e-6)
    assert high == pytest.approx(0.9 + 1.959964 * 0.0349070, abs=1e-6)


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_an_interval_holds_its_auc_and_stays_within_0_and_1(
    area: float, n_normal: int, n_anomaly: int
) -> None:
    low, high = hanley_mcneil(area, n_normal, n_anomaly)
    assert 0 <= low <= area <= high <= 1
    wider_low, wider_high = hanley_mcneil(area, n_normal, n_anomaly, confidence=0.99)
    assert wider_low <= low
    assert wider_high >= high


def test_the_interval_at_a_perfect_ranking_has_no_width() -> None:
    assert hanley_mcneil(1.0, 3, 5) == (1.0, 1.0)


def test_a_score_on_the_threshold_is_not_an_alarm() -> None:
    found = confusion(np.array([0.2, 0.5, 0.7, 0.1]), np.array([0.5, 0.6]), threshold=0.5)
    assert (found.false_alarms, found.misses) == (1, 1)
    assert (found.false_alarm_rate, found.miss_rate) == (0.25, 0.5)


def test_a_rate_over_no_clips_is_none() -> None:
    assert confusion(np.array([0.2]), np.array([]), 0.5).miss_rate is None
    assert confusion(np.array([]), np.array([0.2]), 0.5).false_alarm_rate is None


@pytest.mark.parametrize("metric", [auc, pauc, tied_pairs])
def test_an_empty_class_or_a_nan_is_refused(metric) -> None:
    with pytest.raises(DataError, match="no score of a normal clip"):
        metric(np.array([]), np.array([1.0]))
    with pytest.raises(DataError, match="anomalous clip is not a number"):
        metric(np.array([1.0]), np.array([np.nan]))
