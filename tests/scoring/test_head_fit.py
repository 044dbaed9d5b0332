"""Fitting w and b to embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rattle.scoring.head import Head
from rattle.scoring.head_fit import between, fit_posterior, part_of_the_way


def test_both_classes_weigh_alike_however_many_clips_either_has() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(1, 0.2, (20, 6)).astype(np.float32)
    outliers = rng.normal(-1, 0.2, (400, 6)).astype(np.float32)
    weight, bias = fit_posterior(normals, outliers)
    assert (normals @ weight + bias > 0).all()
    assert (outliers @ weight + bias < 0).all()
    # Half way between the classes p is a half.
    assert abs(float(bias[0])) < 0.2 * float(np.abs(weight).sum())


@pytest.mark.parametrize(("normals", "outliers", "dimensions"), [(80, 200, 16), (20, 30, 200)])
def test_it_is_the_solution_that_scikit_learn_finds(
    normals: int, outliers: int, dimensions: int
) -> None:
    rng = np.random.default_rng(1)
    a = (rng.standard_normal((normals, dimensions)) + 0.3).astype(np.float32)
    b = (1.3 * rng.standard_normal((outliers, dimensions))).astype(np.float32)
    weight, bias = fit_posterior(a, b)
    z = np.concatenate([a, b]).astype(np.float64)
    mean, deviation = z.mean(axis=0), z.std(axis=0)
    oracle = LogisticRegression(C=1.0, class_weight="balanced", max_iter=5000, tol=1e-8)
    oracle.fit((z - mean) / deviation, np.arange(len(z)) < normals)
    expected = oracle.coef_[0] / deviation
    np.testing.assert_allclose(weight, expected, atol=1e-5)
    np.testing.assert_allclose(bias, oracle.intercept_ - expected @ mean, atol=1e-5)


def test_anomalies_that_lie_apart_from_the_outliers_are_told_from_the_normals() -> None:
    rng = np.random.default_rng(2)
    normals, outliers = (rng.normal(at, 0.3, (60, 8)).astype(np.float32) for at in (0.0, 3.0))
    anomalies = normals[:8].copy()
    anomalies[:, 0] -= 2
    start = _head(*fit_posterior(normals, outliers))
    before = start.logits(anomalies)
    weight, bias = fit_posterior(normals, outliers, anomalies, start=start)
    after = _head(weight, bias).logits(anomalies)
    assert before is not None
    assert after is not None
    assert (before > 0).all()
    assert (after < 0).all()
    logits = _head(weight, bias).logits(normals)
    assert logits is not None
    assert (logits > 0).mean() > 0.9


def test_a_start_that_fits_already_hardly_moves() -> None:
    rng = np.random.default_rng(3)
    normals, outliers = (rng.normal(at, 0.2, (50, 4)).astype(np.float32) for at in (2.0, -2.0))
    start = _head(np.full(4, 20, np.float32), np.zeros(1, np.float32))
    weight, _ = fit_posterior(normals, outliers, start=start)
    np.testing.assert_allclose(weight, start.weight, atol=1e-3)


def test_the_more_clips_are_labelled_the_further_the_head_goes() -> None:
    parts = [part_of_the_way(count) for count in (1, 8, 64)]
    assert parts == sorted(parts)
    assert parts[1] == 0.5
    start = _head(np.zeros(2, np.float32), np.zeros(1, np.float32))
    weight, bias = between(start, np.array([2, 4], np.float32), np.array([8], np.float32), 0.25)
    np.testing.assert_array_equal(weight, [0.5, 1])
    np.testing.assert_array_equal(bias, [2])


def _head(weight: np.ndarray, bias: np.ndarray) -> Head:
    return Head(weight, bias, None, "mean")
