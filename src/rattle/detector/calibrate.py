"""Calibration: from a trained model to scores that mean something alone.

The fixed scale of d, the weight alpha of equation 5, and the held-out normals' parts, from which
a threshold is fitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from rattle.learning.batches import LogMels
from rattle.learning.model import Model
from rattle.scoring.clip import ClipParts
from rattle.scoring.score import Scale, anomaly_score, posterior_gap

# Outlier clips that the fixed scale's upper end is measured on.
SCALE_OUTLIERS = 64
ALPHAS = [round(0.1 * tenth, 1) for tenth in range(11)]

LogMel = NDArray[np.float32]


@dataclass(frozen=True)
class AveragedParts:
    """1 - p and d of some clips ``[n]``, averaged over windows; None where the loss has none."""

    gap: NDArray[np.float64] | None
    distance: NDArray[np.float64] | None

    @classmethod
    def of(cls, clips: Iterable[ClipParts]) -> AveragedParts:
        parts = list(clips)
        gaps = [posterior_gap(p.logits).mean() for p in parts if p.logits is not None]
        distances = [p.distances.mean() for p in parts if p.distances is not None]
        return cls(np.array(gaps) if gaps else None, np.array(distances) if distances else None)

    def rows(self) -> Iterator[tuple[float | None, float | None]]:
        """1 - p and d of each clip."""
        gaps = repeat(None) if self.gap is None else self.gap.tolist()
        distances = repeat(None) if self.distance is None else self.distance.tolist()
        return zip(gaps, distances, strict=False)  # at least one of the two ends


@dataclass(frozen=True)
class Calibration:
    """What turns a model's parts into scores; ``alpha_origin`` says who chose alpha."""

    held_out: AveragedParts
    scale: Scale
    alpha: float
    alpha_origin: str


def calibrate(
    model: Model,
    normals: LogMels,
    outliers: Sequence[LogMels],
    labelled: Sequence[tuple[LogMel, bool]] = (),
) -> Calibration:
    """Scale from held-out ``normals`` and from each machine's ``outliers``.

    alpha is chosen on ``labelled`` clips; without them it is the recipe's.

    ``labelled`` are log-mels ``[T, bands]`` of validation clips and whether each is an anomaly.
    """
    settings = model.recipe.scoring
    held_out = AveragedParts.of(map(model.parts, normals))
    others = AveragedParts.of(map(model.parts, _some_of_each(outliers)))
    scale = Scale(0.0, 1.0)
    if held_out.distance is not None and others.distance is not None:
        scale = Scale.between(held_out.distance, others.distance)
    if not labelled:
        return Calibration(held_out, scale, settings.alpha, "the recipe's default")
    parts = AveragedParts.of((model.parts(clip) for clip, _ in labelled))
    if parts.gap is None or parts.distance is None:
        return Calibration(held_out, scale, settings.alpha, "without effect for this method")
    alpha = _best_alpha(
        parts.gap, scale(parts.distance), [anomaly for _, anomaly in labelled], settings.alpha
    )
    return Calibration(held_out, scale, alpha, f"{len(labelled)} labelled validation clips")


def _some_of_each(machines: Sequence[LogMels]) -> Iterator[LogMel]:
    # Evenly over the pool's machines, so that none sets the scale alone.
    share = -(-SCALE_OUTLIERS // len(machines))
    return (clips[i] for clips in machines for i in range(min(share, len(clips))))


def _best_alpha(
    gap: NDArray[np.float64],
    scaled: NDArray[np.float64],
    is_anomaly: Sequence[bool],
    default: float,
) -> float:
    """The alpha of 0, 0.1, ... 1 with the largest AUC (Table I); of equals the nearest to ours."""
    from sklearn.metrics import roc_auc_score  # slow to import, and few fits come this way

    aucs = {alpha: roc_auc_score(is_anomaly, anomaly_score(gap, scaled, alpha)) for alpha in ALPHAS}
    return max(ALPHAS, key=lambda alpha: (aucs[alpha], -abs(alpha - default)))
