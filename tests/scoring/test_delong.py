"""The interval of an AUC difference against a published example, its definition and a bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from rattle.errors import DataError
from rattle.evaluation.metrics import auc
from rattle.scoring.delong import delong

Z = 1.959964

# A coarse grid makes ties frequent and keeps every monotone map below exact in floating point.
BOTH = st.integers(2, 25).flatmap(
    lambda clips: hnp.arrays(
        np.float64, (2, clips), elements=st.integers(-20, 20).map(lambda n: n / 4)
    )
)

# Albumin, K-G score and outcome of 43 patients with ovarian cancer and bowel obstruction, from
# DeLong et al. (1988) as the SAS/STAT user's guide reprints them (LOGISTIC procedure, "Comparing
# Receiver Operating Characteristic Curves"). The outcome 1 is the "anomaly" here.
PATIENTS = """
    3.0 10 0  3.2 5 1  3.9 3 1  2.8 6 0  3.2 3 1  0.9 5 0  2.5 8 0  1.6 5 1  3.8 5 1  3.7 6 1
    3.2  4 1  3.8 6 1  4.1 5 1  3.6 5 1  4.3 4 1  3.6 4 0  2.3 6 1  4.2 4 0  4.0 6 0  3.5 6 1
    3.8  7 1  3.0 8 0  4.5 5 1  3.7 5 1  3.1 6 1  4.1 6 1  4.3 5 1  4.3 4 1  3.2 5 1  2.6 6 1
    3.3  6 0  1.7 7 0  3.7 5 1  3.3 7 1  4.2 6 1  3.5 5 1  2.9 9 0  2.1 7 1  2.8 8 0  4.0 7 1
    3.3  6 1  3.7 5 1  3.6 5 1
"""


def worth(normal: NDArray[np.float64], anomaly: NDArray[np.float64], tied: float) -> NDArray:
    """h of every pair: ``[N+, N-]``."""
    apart = anomaly[:, None] - normal[None, :]
    return np.where(apart > 0, 1.0, np.where(apart == 0, tied, 0.0))


def by_components(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64], tied: float
) -> tuple[float, float]:
    """DeLong et al. as written: the covariance of both AUCs, and the contrast (-1, 1) of it."""
    pairs = [worth(n, a, tied) for n, a in zip(normal, anomaly, strict=True)]
    s10 = np.cov([each.mean(axis=1) for each in pairs])
    s01 = np.cov([each.mean(axis=0) for each in pairs])
    covariance = s10 / anomaly.shape[1] + s01 / normal.shape[1]
    contrast = np.array([-1, 1])
    difference = contrast @ [each.mean() for each in pairs]
    reach = Z * np.sqrt(max(contrast @ covariance @ contrast, 0))
    return max(difference - reach, -1), min(difference + reach, 1)


def two_detectors(
    rng: np.random.Generator, clips: int, separations: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Binormal scores; what a clip sounds like moves both detectors' scores."""
    normal, anomaly = (rng.standard_normal(clips) + rng.standard_normal((2, clips)) for _ in "ab")
    return normal, anomaly + np.array(separations)[:, None]


def test_the_example_of_delong_et_al_comes_out_as_published() -> None:
    albumin, score, outcome = np.array(PATIENTS.split(), float).reshape(-1, 3).T
    ranked = np.stack([10 - score, albumin])
    low, high = delong(ranked[:, outcome == 0], ranked[:, outcome == 1], tied=0.5)
    # Albumin 0.7366, K-G score 0.7258; their difference 0.0108 from -0.1761 to 0.1976.
    assert low == pytest.approx(-0.1761, abs=5e-5)
    assert high == pytest.approx(0.1976, abs=5e-5)


def test_a_case_by_hand() -> None:
    # Old: V+ = (1/2, 1), V- = (1, 1/2). New, perfect: all 1. Differences (1/2, 0) and (0, 1/2),
    # each with variance 1/8: SE^2 = (1/8) / 2 + (1/8) / 2 = 1/8.
    normal, anomaly = np.array([[0.0, 2.0], [0.0, 1.0]]), np.array([[1.0, 3.0], [2.0, 3.0]])
    reach = Z * np.sqrt(1 / 8)
    assert delong(normal, anomaly) == pytest.approx((0.25 - reach, 0.25 + reach), abs=1e-6)


@pytest.mark.parametrize("tied", [0.0, 0.5])
@given(BOTH, BOTH)
def test_counting_by_ranks_is_the_definition_by_pairs(
    tied: float, normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    expected = by_components(normal, anomaly, tied)
    # A covariance that is 0 but for rounding has a root of some 1e-8.
    assert delong(normal, anomaly, tied=tied) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("decimals", [6, 0], ids=["no ties", "ties"])
def test_a_bootstrap_of_the_clips_finds_the_same_width(decimals: int) -> None:
    rng = np.random.default_rng(7)
    normal, anomaly = (x.round(decimals) for x in two_detectors(rng, 70, (1.0, 1.5)))
    low, high = delong(normal, anomaly)
    pairs = worth(normal[1], anomaly[1], 0) - worth(normal[0], anomaly[0], 0)
    drawn = rng.multinomial(70, np.full(70, 1 / 70), size=(2, 4000)) / 70
    differences = np.einsum("bj,ji,bi->b", drawn[0], pairs, drawn[1], optimize=True)
    assert high - low == pytest.approx(2 * Z * differences.std(), rel=0.06)
    assert (high + low) / 2 == pytest.approx(differences.mean(), abs=0.003)


def test_nineteen_of_twenty_intervals_hold_the_true_difference() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(1000):
        low, high = delong(*two_detectors(rng, 40, (1.2, 1.2)))
        held += low <= 0 <= high
    assert 930 <= held <= 970


@given(BOTH, BOTH)
def test_it_is_about_the_difference_of_two_aucs_of_equation_6(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    low, high = delong(normal, anomaly)
    assert -1 <= low <= high <= 1
    difference = auc(normal[1], anomaly[1]) - auc(normal[0], anomaly[0])
    assert low - 1e-12 <= difference <= high + 1e-12
    if low > -1 and high < 1:
        assert (low + high) / 2 == pytest.approx(difference, abs=1e-12)
    wider = delong(normal, anomaly, confidence=0.99)
    assert wider[0] <= low
    assert wider[1] >= high


@given(BOTH, BOTH)
def test_the_other_way_round_it_is_mirrored(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    low, high = delong(normal, anomaly)
    assert delong(normal[::-1], anomaly[::-1]) == pytest.approx((-high, -low), abs=1e-12)


@given(BOTH, BOTH)
def test_a_rising_map_of_one_detectors_scores_changes_nothing(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> None:
    mapped = [np.stack([scores[0], np.exp(scores[1])]) for scores in (normal, anomaly)]
    assert delong(*mapped) == delong(normal, anomaly)


@given(BOTH, BOTH, st.randoms(use_true_random=False))
def test_the_order_of_the_clips_does_not_matter_as_long_as_it_is_the_same_for_both(
    normal: NDArray[np.float64], anomaly: NDArray[np.float64], random
) -> None:
    order = random.sample(range(normal.shape[1]), normal.shape[1])
    # Summed in another order, a variance of 0 may come out as 1e-34.
    assert delong(normal[:, order], anomaly) == pytest.approx(delong(normal, anomaly), abs=1e-9)


def test_pairing_narrows_the_interval_of_detectors_that_hear_alike() -> None:
    rng = np.random.default_rng(5)
    normal, anomaly = two_detectors(rng, 60, (1.0, 1.3))
    normal, anomaly = (each[:1] + 0.2 * (each - each[:1]) for each in (normal, anomaly))
    mixed = [np.stack([each[0], rng.permutation(each[1])]) for each in (normal, anomaly)]
    low, high = delong(normal, anomaly)
    low_unpaired, high_unpaired = delong(*mixed)
    assert low + high == pytest.approx(low_unpaired + high_unpaired)
    assert high - low < (high_unpaired - low_unpaired) / 2


def test_ties_count_nothing_unless_told_otherwise() -> None:
    # The new detector gives every clip one score: AUC 0 by equation 6, and one half by DeLong.
    normal, anomaly = np.array([[1.0, 2.0], [5.0, 5.0]]), np.array([[3.0, 4.0], [5.0, 5.0]])
    assert delong(normal, anomaly) == (-1, -1)
    assert delong(normal, anomaly, tied=0.5) == (-0.5, -0.5)


def test_the_interval_of_two_perfect_or_two_equal_detectors_has_no_width() -> None:
    perfect = np.array([[0.1, 0.2, 0.3], [1.0, 3.0, 2.0]]), np.array([[0.5, 0.4], [8.0, 9.0]])
    assert delong(*perfect) == (0, 0)
    rng = np.random.default_rng(0)
    same = [np.stack([scores] * 2) for scores in rng.standard_normal((2, 30))]
    assert delong(*same) == (0, 0)


@pytest.mark.parametrize(("n_normal", "n_anomaly", "found"), [(1, 5, "normal"), (5, 0, "anom")])
def test_fewer_than_two_clips_of_a_class_are_refused(
    n_normal: int, n_anomaly: int, found: str
) -> None:
    with pytest.raises(DataError, match=f"at least 2 {found}"):
        delong(np.zeros((2, n_normal)), np.zeros((2, n_anomaly)))


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(DataError, match="of a anomalous clip is not a number"):
        delong(np.zeros((2, 3)), np.array([[1.0, 2.0], [np.nan, 1.0]]))


def test_one_detectors_scores_alone_are_refused() -> None:
    with pytest.raises(ValueError, match=r"normal clips have shape \(3,\), expected \[2, N\]"):
        delong(np.zeros(3), np.zeros((2, 3)))
