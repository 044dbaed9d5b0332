"""Use a fitted baseline as a model: the distance of a clip, or of a long recording's windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.learning.model import Arrays, Learnt
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import Windows, frame_seconds, timeline_starts


class Measure(Protocol):
    """What a method learnt: how far a sound is from the normal ones."""

    def distance(self, log_mel: NDArray[np.float32]) -> float:
        """Say how anomalous a stretch of sound ``[T, bands]`` is; larger is more, T at least 1."""

    def arrays(self) -> Arrays:
        """Give all that it learnt, by name; each of at least one dimension."""


@dataclass(frozen=True)
class Baseline:
    """A method's measure, taken of clips as the recipe says."""

    recipe: Recipe
    measure: Measure

    def parts(self, log_mel: NDArray[np.float32], windows: Windows | None = None) -> ClipParts:
        """Measure a clip ``[T, bands]`` as one window, as these methods are defined.

        A recording longer than ``scoring.long_clip_seconds`` gets the distances of a sliding
        window of ``features.window_frames``.
        """
        window = self.recipe.features.window_frames
        if windows is not None:
            starts: NDArray[np.int64] | None = windows.starts
        else:
            starts = timeline_starts(len(log_mel), self.recipe)
        if starts is None:
            starts, window = np.zeros(1, dtype=np.int64), len(log_mel)
        return ClipParts(
            start_s=starts.astype(np.float64) * frame_seconds(self.recipe),
            logits=None,
            distances=np.array([self.measure.distance(log_mel[s : s + window]) for s in starts]),
        )

    def learnt(self) -> Learnt:
        return {"baseline": self.measure.arrays()}
