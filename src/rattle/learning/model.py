"""What every method gives: something that says of a clip's windows how anomalous they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts

Arrays = Mapping[str, NDArray[np.generic]]
# All that a model learnt: arrays by name, in the parts that a bundle keeps apart
# (``rattle.bundle.PARTS``): an encoder and a head, or a baseline.
Learnt = Mapping[str, Arrays]


class Model(Protocol):
    """A trained network or a fitted baseline."""

    @property
    def recipe(self) -> Recipe:
        """What it was trained by."""

    def parts(self, log_mel: NDArray[np.float32]) -> ClipParts:
        """Logits and distances of the windows of a clip ``[T, bands]``."""

    def learnt(self) -> Learnt:
        """All that it learnt: what a bundle keeps."""
