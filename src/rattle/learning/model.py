"""What every method gives: something that says of a clip's windows how anomalous they are."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts

Arrays = dict[str, NDArray[np.generic]]


class Model(Protocol):
    """A trained network or a fitted baseline."""

    @property
    def recipe(self) -> Recipe:
        """What it was trained by."""

    def parts(self, log_mel: NDArray[np.float32]) -> ClipParts:
        """Logits and distances of the windows of a clip ``[T, bands]``."""

    def arrays(self) -> Arrays:
        """All that it learnt, by name: what a bundle keeps."""
