"""Embeddings in two dimensions."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from rattle.experiments.page.embedding import flatten, method_at_hand


@pytest.fixture
def no_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)


@pytest.fixture
def umap(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A stand-in for UMAP that notes how it was asked."""
    asked: list[dict[str, object]] = []

    class Umap:
        def __init__(self, **options: object) -> None:
            asked.append(options)

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, :2]

    module = ModuleType("umap")
    module.UMAP = Umap
    monkeypatch.setitem(sys.modules, "umap", module)
    return asked


def test_principal_components_keep_distances_of_points_in_a_plane(no_umap) -> None:
    draw = np.random.default_rng(0)
    plane, _ = np.linalg.qr(draw.normal(size=(32, 2)))
    points = draw.normal(size=(40, 2)) * [3, 1]
    flat = flatten((points @ plane.T).astype(np.float32))
    assert flat.how == "PCA, 100 %"
    assert method_at_hand() == "PCA"

    def distances(of):
        return np.linalg.norm(of[:, None] - of[None], axis=-1)

    np.testing.assert_allclose(distances(flat.points), distances(points), atol=1e-4)


def test_the_share_of_variance_is_that_of_two_directions(no_umap) -> None:
    # Four uncorrelated columns of equal variance: two of them hold half.
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32)
    values = np.concatenate([signs, -signs])
    assert flatten(values).how == "PCA, 50 %"


@pytest.mark.parametrize("shape", [(2, 5), (9, 1), (3, 2)])
def test_few_clips_or_dimensions_still_give_points(shape, no_umap) -> None:
    flat = flatten(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert flat.points.shape == (shape[0], 2)
    assert np.isfinite(flat.points).all()


@pytest.mark.parametrize("values", [np.ones((5, 3)), np.ones((1, 3)), np.ones((0, 3))])
def test_nothing_is_drawn_where_no_two_clips_differ(values) -> None:
    assert flatten(values.astype(np.float32)) is None


def test_umap_is_used_where_it_is_installed_and_its_seed_is_given(umap) -> None:
    values = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    flat = flatten(values, seed=3)
    assert flat.how == method_at_hand() == "UMAP"
    np.testing.assert_array_equal(flat.points, values[:, :2])
    assert umap[0]["random_state"] == 3
    assert umap[0]["n_jobs"] == 1


def test_a_handful_of_clips_has_no_neighbourhoods_for_umap(umap) -> None:
    values = np.random.default_rng(0).normal(size=(15, 4)).astype(np.float32)
    assert flatten(values).how.startswith("PCA")
    assert umap == []
