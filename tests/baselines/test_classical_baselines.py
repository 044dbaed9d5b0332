"""The classical baselines against scikit-learn, and against problems whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from rattle.baselines import gaussian_mixture
from rattle.baselines.statistics import mfcc, mfcc_statistics, over_time
from rattle.errors import DataError


@pytest.fixture(scope="module")
def normals(make_clips):
    return make_clips(30)


@pytest.fixture(scope="module")
def others(make_clips):
    return [*make_clips(5, seed=1), *make_clips(5, seed=2, louder=8)]


def found(model, clips) -> np.ndarray:
    return np.array([model.parts(clip).distances[0] for clip in clips])


@pytest.mark.parametrize("neighbours", [1, 3])
def test_neighbours_are_those_of_scikit_learn(
    recipe_for, normals, others, fit_to, neighbours
) -> None:
    recipe = recipe_for("knn", baseline={"neighbours": neighbours})
    scaler = StandardScaler().fit([over_time(clip) for clip in normals])
    oracle = NearestNeighbors(n_neighbors=neighbours)
    oracle.fit(scaler.transform([over_time(clip) for clip in normals]))
    apart, _ = oracle.kneighbors(scaler.transform([over_time(clip) for clip in others]))
    np.testing.assert_allclose(
        found(fit_to(recipe, normals), others), apart.mean(axis=1), rtol=1e-9
    )


def test_a_training_clip_is_its_own_nearest_neighbour(recipe_for, normals, fit_to) -> None:
    model = fit_to(recipe_for("knn", baseline={"neighbours": 1}), normals)
    np.testing.assert_array_equal(found(model, normals), np.zeros(len(normals)))


def test_fewer_clips_than_neighbours_are_refused(recipe_for, normals, fit_to) -> None:
    recipe = recipe_for("knn", baseline={"neighbours": 6})
    with pytest.raises(DataError, match=r"5 normal clips .* baseline.neighbours \(6\)"):
        fit_to(recipe, normals[:5])
    fit_to(recipe, normals[:6])


def test_mahalanobis_is_that_of_scikit_learn(recipe_for, normals, others, fit_to) -> None:
    scaler = StandardScaler().fit([over_time(clip) for clip in normals])
    oracle = LedoitWolf().fit(scaler.transform([over_time(clip) for clip in normals]))
    expected = oracle.mahalanobis(scaler.transform([over_time(clip) for clip in others]))
    model = fit_to(recipe_for("mahalanobis"), normals)
    np.testing.assert_allclose(found(model, others), expected, rtol=1e-9)


def test_the_svm_is_that_of_scikit_learn(recipe_for, normals, others, fit_to) -> None:
    recipe = recipe_for("ocsvm", baseline={"nu": 0.2})
    oracle = make_pipeline(StandardScaler(), OneClassSVM(kernel="rbf", gamma="scale", nu=0.2))
    oracle.fit([mfcc_statistics(clip, 6) for clip in normals])
    expected = -oracle.decision_function([mfcc_statistics(clip, 6) for clip in others])
    np.testing.assert_allclose(found(fit_to(recipe, normals), others), expected, rtol=1e-9)


def test_nu_lies_between_the_shares_outside_and_on_the_edge(recipe_for, make_clips, fit_to) -> None:
    # Proposition 3 of Schoelkopf et al.; 1e-3 is how exactly the solver finds the edge.
    normals = make_clips(100)
    for nu in (0.1, 0.4):
        model = fit_to(recipe_for("ocsvm", baseline={"nu": nu}), normals)
        outside = np.mean(found(model, normals) > 1e-3)
        assert outside <= nu <= len(model.learnt()["baseline"]["support"]) / 100


def test_a_mixtures_density_is_that_of_scikit_learn(recipe_for, normals, others, fit_to) -> None:
    model = fit_to(recipe_for("gmm"), normals)
    learnt = model.learnt()["baseline"]
    oracle = GaussianMixture(3, covariance_type="diag")
    oracle.weights_, oracle.means_ = learnt["weights"], learnt["centres"]
    oracle.precisions_cholesky_ = 1 / np.sqrt(learnt["variances"])
    frames = [(mfcc(clip, 6) - learnt["mean"]) / learnt["deviation"] for clip in others]
    expected = [-oracle.score(each) for each in frames]
    np.testing.assert_allclose(found(model, others), expected, rtol=1e-9)


def test_a_mixture_finds_the_two_sounds_that_a_clip_alternates_between(recipe_for, fit_to) -> None:
    rng = np.random.default_rng(0)
    quiet, loud = rng.normal(-60, 1, (300, 16)), rng.normal(-30, 2, (100, 16))
    frames = rng.permutation(np.concatenate([quiet, loud])).astype(np.float32)
    model = fit_to(recipe_for("gmm", baseline={"components": 2}), np.split(frames, 8))
    learnt = model.learnt()["baseline"]
    order = np.argsort(learnt["weights"])
    np.testing.assert_allclose(learnt["weights"][order], [0.25, 0.75], atol=1e-6)
    # The orthonormal DCT's first number is sqrt(16) times the mean level.
    levels = (learnt["centres"] * learnt["deviation"] + learnt["mean"])[order, 0] / 4
    np.testing.assert_allclose(levels, [-30, -60], atol=0.2)
    spreads = (np.sqrt(learnt["variances"]) * learnt["deviation"])[order, 0]
    np.testing.assert_allclose(spreads, [2, 1], rtol=0.2)


def test_a_mixture_reads_no_more_frames_than_its_bound(
    recipe_for, normals, fit_to, monkeypatch
) -> None:
    read = []
    plain = gaussian_mixture.mfcc

    def watched(log_mel, coefficients):
        read.append(len(log_mel))
        return plain(log_mel, coefficients)

    recipe = recipe_for("gmm")
    monkeypatch.setattr(gaussian_mixture, "MOST_FRAMES", 330)
    monkeypatch.setattr(gaussian_mixture, "mfcc", watched)
    one = fit_to(recipe, normals, seed=1).learnt()["baseline"]
    # 11 of each of the 30 clips; then every clip once whole, to tell its distance.
    assert read[:30] == [11] * 30
    assert read[30:] == [len(clip) for clip in normals]
    again, other = (fit_to(recipe, normals, seed=seed).learnt()["baseline"] for seed in (1, 2))
    np.testing.assert_array_equal(again["mean"], one["mean"])
    assert not np.array_equal(other["mean"], one["mean"])


def test_fewer_frames_than_two_a_gaussian_are_refused(recipe_for, normals, fit_to) -> None:
    recipe = recipe_for("gmm", baseline={"components": 20})
    with pytest.raises(DataError, match=r"39 frames in all, .* the 20 Gaussians of baseline.comp"):
        fit_to(recipe, [clip[:13] for clip in normals[:3]])
    fit_to(recipe, [clip[:10] for clip in normals[:4]])
