"""Bring embeddings to two dimensions: by UMAP where it is installed, else by PCA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Neighbours that UMAP looks at by default; fewer clips than that have no neighbourhoods to keep.
NEIGHBOURS = 15


@dataclass(frozen=True)
class Flat:
    """Points ``[clips, 2]`` and how they came about, in words."""

    points: NDArray[np.float64]
    how: str


def flatten(embeddings: Array, *, seed: int = 0) -> Flat | None:
    """Bring ``[clips, D]`` to two dimensions; None where no two clips differ.

    UMAP (McInnes, Healy and Melville, 2018) keeps neighbours together; its axes, and distances
    between groups, mean nothing. Principal components keep the two directions of largest variance.
    """
    values = embeddings.astype(np.float64)
    if len(values) < 2 or not values.std(axis=0).any():
        return None
    if len(values) > NEIGHBOURS:
        points = _umap(values, seed)
        if points is not None:
            return Flat(points, "UMAP")
    return _principal_components(values)


def method_at_hand() -> str:
    """Name what ``flatten`` uses for any but a handful of clips."""
    try:
        import umap  # noqa: F401
    except ImportError:
        return "PCA"
    return "UMAP"


def _umap(values: NDArray[np.float64], seed: int) -> NDArray[np.float64] | None:
    try:
        import umap
    except ImportError:
        return None
    # One thread: only so does a seed decide the result.
    mapping = umap.UMAP(n_neighbors=NEIGHBOURS, random_state=seed, n_jobs=1)
    return np.asarray(mapping.fit_transform(values), dtype=np.float64)


def _principal_components(values: NDArray[np.float64]) -> Flat:
    from sklearn.decomposition import PCA

    components = min(2, *values.shape)
    mapping = PCA(components, svd_solver="full")
    points = np.zeros((len(values), 2))
    points[:, :components] = mapping.fit_transform(values)
    share = float(mapping.explained_variance_ratio_.sum())
    return Flat(points, f"PCA, {100 * share:.0f} %")
