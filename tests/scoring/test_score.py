"""Equation 5, its parts and their scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit

from rattle.scoring.score import Scale, anomaly_score, posterior_gap

DISTANCES = hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1e6))


def test_the_score_is_that_of_equation_5() -> None:
    # p = 0.9 and 0.2, d' = 0.5 and 1: 0.3 * 0.1 + 0.7 * 0.5 and 0.3 * 0.8 + 0.7 * 1.
    gap, scaled = np.array([0.1, 0.8]), np.array([0.5, 1.0])
    np.testing.assert_allclose(anomaly_score(gap, scaled, 0.3), [0.38, 0.94], rtol=1e-12)
    np.testing.assert_array_equal(anomaly_score(gap, scaled, 1.0), gap)
    np.testing.assert_array_equal(anomaly_score(gap, scaled, 0.0), scaled)


def test_a_loss_of_one_part_has_that_part_as_its_score_whatever_alpha() -> None:
    part = np.array([0.1, 0.8])
    np.testing.assert_array_equal(anomaly_score(part, None, 0.3), part)
    np.testing.assert_array_equal(anomaly_score(None, part, 0.3), part)
    with pytest.raises(ValueError, match="posterior or a distance"):
        anomaly_score(None, None, 0.3)


def test_the_papers_scale_puts_the_evaluated_distances_between_0_and_1() -> None:
    distances = np.array([3.0, 1.0, 5.0])
    np.testing.assert_array_equal(Scale.spanning(distances)(distances), [0.5, 0, 1])


@given(DISTANCES)
def test_the_papers_scale_spans_0_to_1_and_keeps_the_order(distances) -> None:
    scaled = Scale.spanning(distances)(distances)
    assert scaled.min() == 0
    assert scaled.max() == (0 if distances.min() == distances.max() else 1)
    order = np.argsort(distances, kind="stable")
    assert (np.diff(scaled[order]) >= 0).all()


def test_the_fixed_scale_is_0_at_typical_normals_and_1_at_typical_outliers() -> None:
    scale = Scale.between(normal=np.array([1.0, 3.0]), outlier=np.array([9.0, 11.0]))
    # Means 2 and 10; not clipped on either side.
    np.testing.assert_array_equal(scale(np.array([2.0, 10.0, 0.0, 18.0])), [0, 1, -0.25, 2])


@pytest.mark.parametrize("high", [5.0, 2.0])
def test_a_scale_without_width_keeps_the_order_of_distances(high: float) -> None:
    # All alike, or outliers nearer than normals: dividing by the width would lose or turn it.
    np.testing.assert_array_equal(Scale(5.0, high)(np.array([4.0, 5.0, 7.0])), [-1, 0, 2])


@given(st.floats(-30, 30))
def test_the_gap_is_one_less_the_posterior(logit: float) -> None:
    (gap,) = posterior_gap(np.array([logit]))
    assert gap == pytest.approx(1 - expit(logit), abs=1e-15)
    assert gap == pytest.approx(expit(-logit), rel=1e-12)


def test_confident_clips_do_not_tie() -> None:
    logits = np.linspace(30, 700, 200)
    assert len(np.unique(1 - expit(logits))) < 20
    gaps = posterior_gap(logits)
    assert (np.diff(gaps) < 0).all()
    np.testing.assert_allclose(np.log(gaps), -logits, rtol=1e-12)


def test_a_gap_is_finite_for_any_logit() -> None:
    np.testing.assert_array_equal(posterior_gap(np.array([-1e5, 1e5])), [1, 0])
