"""State what every method gives: a model that says how anomalous a clip's windows are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.features.views import Rows
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import Windows

Arrays = Mapping[str, NDArray[np.generic]]
# All that a model learnt: arrays by name, in the parts that a bundle keeps apart
# (``rattle.bundle.file.PARTS``): an encoder and a head, or a baseline.
Learnt = Mapping[str, Arrays]


class Model(Protocol):
    """A trained network or a fitted baseline."""

    @property
    def recipe(self) -> Recipe:
        """What it was trained by."""

    def parts(self, clip: Rows, windows: Windows | None = None, /) -> ClipParts:
        """Compute logits and distances of windows of a clip ``[T, width]``.

        They are those that are scored where none are given.
        """

    def learnt(self) -> Learnt:
        """Give all that it learnt: what a bundle keeps."""
