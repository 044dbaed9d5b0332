"""Apply a machine's head to embeddings: the last step of a network.

The encoder ends at z; what is the machine's own comes after it and is small: w and b of the fully
connected layer, and the centroid c_p, or embeddings of normals in its place. So one encoder can
serve many machines, and whatever computed z, torch or ONNX Runtime, the rest is this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts
from rattle.scoring.score import Values

Vector = NDArray[np.float32]
# How many dimensions each array has.
DIMENSIONS = {"weight": 1, "bias": 1, "centres": 2}
# Embeddings that a new sound is measured from, where the nearest counts, and windows of a clip that
# give them: more than are scored, since one place in a clip is not like another.
CENTRES, CENTRE_WINDOWS = 256, 3
# Embeddings that distances are computed of in one go: 2 MB beside as many centres.
AT_ONCE = 1024


def centre_windows(clips: int, recipe: Recipe) -> int:
    """Say in how many windows each of so many normal clips is heard, where the nearest counts."""
    return max(min(-(-CENTRES // clips), CENTRE_WINDOWS), recipe.scoring.windows)


def nearest_of(normals: Vector) -> Vector:
    """Choose of normals' embeddings ``[n, D]`` those to measure from, evenly: ``[K, D]``."""
    return normals[evenly(len(normals), CENTRES)]


def evenly(count: int, most: int) -> list[int]:
    """Choose at most so many places of ``count``, evenly spread."""
    places = np.linspace(0, count - 1, min(count, most)).round()
    return [int(place) for place in np.unique(places)]


@dataclass(frozen=True)
class Head:
    """From an embedding z ``[D]`` to a logit of p and to d of one machine.

        logit = w z + b,  p = sigmoid(logit)              losses with BCE (section II-A)
        d = sum_j min_k ||z_j - c_jk||^2                  losses with a centroid (section III)

    ``weight [D]`` and ``bias [1]`` are None for a loss without BCE, ``centres [K, D]`` is None for
    BCE alone: c_p by itself, or the normal clips' embeddings, of which the nearest counts
    (``scoring.distance`` of the recipe). z is made of so many equal ``pieces`` z_j, one for most
    networks: a sound may be like one normal in its lines and like another in its rhythm.
    ``distance`` says whether d is the mean or the sum over the D dimensions. Sums are in float64:
    what rounds is z alone.
    """

    weight: Vector | None
    bias: Vector | None
    centres: Vector | None
    distance: Literal["mean", "sum"]
    pieces: int = 1

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[np.generic]], recipe: Recipe) -> Head:
        """Rebuild the head whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
        expected = {"weight", "bias"} if recipe.has_posterior else set()
        expected |= {"centres"} if recipe.has_distance else set()
        if set(arrays) != expected:
            names = (", ".join(sorted(some)) or "nothing" for some in (arrays, expected))
            raise ValueError("its head holds {}, by its recipe {}".format(*names))
        values = {name: np.array(value) for name, value in arrays.items()}
        for name, value in values.items():
            is_one = name != "bias" or value.size == 1
            if value.ndim != DIMENSIONS[name] or not value.size or not is_one:
                raise ValueError(f"its head's {name} has shape {value.shape}")
            if value.dtype != np.float32 or not np.isfinite(value).all():
                raise ValueError(f"its head's {name} holds other than finite float32 numbers")
        lengths = {name: value.shape[-1] for name, value in values.items() if name != "bias"}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"its head's vectors are of unlike lengths: {lengths}")
        pieces = recipe.distance_pieces
        if any(length % pieces for length in lengths.values()):
            raise ValueError(f"its head's vectors {lengths} have no {pieces} equal pieces")
        return cls(
            values.get("weight"),
            values.get("bias"),
            values.get("centres"),
            recipe.loss.distance,
            pieces,
        )

    @property
    def dimensions(self) -> int:
        """D, the length of an embedding."""
        vectors = self.centres if self.weight is None else self.weight
        return 0 if vectors is None else vectors.shape[-1]

    def arrays(self) -> dict[str, Vector]:
        """Give what a bundle keeps: of ``weight``, ``bias`` and ``centres`` those there are."""
        every = {"weight": self.weight, "bias": self.bias, "centres": self.centres}
        return {name: value for name, value in every.items() if value is not None}

    def logits(self, embeddings: NDArray[np.floating]) -> Values | None:
        """Compute logits of p of embeddings ``[n, D] -> [n]``; None for a loss without BCE."""
        if self.weight is None or self.bias is None:
            return None
        logits: Values = embeddings.astype(np.float64) @ self.weight.astype(np.float64)
        return logits + np.float64(self.bias[0])

    def distances(self, embeddings: NDArray[np.floating]) -> Values | None:
        """Compute squared distances d to the nearest centre, ``[n, D] -> [n]``; None for BCE."""
        if self.centres is None:
            return None
        distances = np.zeros(len(embeddings))
        for piece, centres, squares in self._centres_by_piece:
            for first in range(0, len(embeddings), AT_ONCE):
                z = embeddings[first : first + AT_ONCE, piece].astype(np.float64)
                # This finds the nearest; |z|^2 - 2 z c + |c|^2 would cancel where z is near c.
                nearest = (squares - 2 * (z @ centres.T)).argmin(axis=1)
                apart = z - centres[nearest]
                distances[first : first + AT_ONCE] += np.einsum("nd,nd->n", apart, apart)
        return distances if self.distance == "sum" else distances / self.dimensions

    @cached_property
    def _centres_by_piece(self) -> list[tuple[slice, Values, Values]]:
        """Where each piece lies in z, its centres ``[K, D/J]`` in float64, and their |c|^2."""
        assert self.centres is not None  # noqa: S101
        length = self.dimensions // self.pieces
        places = [slice(j * length, (j + 1) * length) for j in range(self.pieces)]
        centres = [np.ascontiguousarray(self.centres[:, of], np.float64) for of in places]
        squares = [np.einsum("kd,kd->k", each, each) for each in centres]
        return list(zip(places, centres, squares, strict=True))

    def parts(self, start_s: Values, embeddings: NDArray[np.floating]) -> ClipParts:
        """Compute the parts of windows that start at ``start_s [n]`` from embeddings ``[n, D]``."""
        return ClipParts(start_s, self.logits(embeddings), self.distances(embeddings))
