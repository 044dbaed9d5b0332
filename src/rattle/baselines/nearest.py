"""Keep nearest neighbours: the distance to the most alike normal clips in log-mel statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.baselines.standard import Standard
from rattle.baselines.statistics import Values, over_time
from rattle.baselines.stored import checked
from rattle.errors import DataError
from rattle.learning.batches import ClipFeatures
from rattle.learning.model import Arrays
from rattle.recipe.baselines import NearestNeighbours


@dataclass(frozen=True)
class Nearest:
    """The training normals' standardised statistics, ``clips [n, 2 bands]``."""

    standard: Standard
    clips: Values
    neighbours: int

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Compute the mean Euclidean distance to the nearest clips."""
        apart = self.clips - self.standard(over_time(log_mel))
        distances = np.sqrt(np.square(apart).sum(axis=1))
        return float(np.sort(distances)[: self.neighbours].mean())

    def arrays(self) -> Arrays:
        """Give ``mean``, ``deviation`` and ``clips``."""
        return {**self.standard.arrays(), "clips": self.clips}


def fit(normals: ClipFeatures, settings: NearestNeighbours) -> Nearest:
    """Keep the clips' statistics; ``DataError`` where they are fewer than the neighbours."""
    if len(normals) < settings.neighbours:
        raise DataError(
            f"there are {len(normals)} normal clips to train on, fewer than baseline.neighbours "
            f"({settings.neighbours}): lower it, or record more"
        )
    vectors = np.array([over_time(clip) for clip in normals])
    standard = Standard.fitted(vectors)
    return Nearest(standard, standard(vectors), settings.neighbours)


def restore(arrays: Arrays, settings: NearestNeighbours, *, bands: int) -> Nearest:
    """Rebuild the measure whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    size = 2 * bands
    shapes = {"mean": (size,), "deviation": (size,), "clips": ("n", size)}
    values = checked(arrays, np.float64, shapes, positive=("deviation",))
    if len(values["clips"]) < settings.neighbours:
        raise ValueError(
            f"it holds {len(values['clips'])} clips; by its recipe at least {settings.neighbours}"
        )
    standard = Standard(values["mean"], values["deviation"])
    return Nearest(standard, values["clips"], settings.neighbours)
