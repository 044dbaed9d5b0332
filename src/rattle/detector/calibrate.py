"""Calibrate: from a trained model to scores that mean something alone.

The fixed scale of d, the weight alpha of equation 5, and the held-out normals' parts, from which
a threshold is fitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.errors import TrainingError
from rattle.scoring.clip import AveragedParts, ClipParts
from rattle.scoring.score import Scale, anomaly_score

ALPHAS = [round(0.1 * tenth, 1) for tenth in range(11)]


@dataclass(frozen=True)
class Alpha:
    """alpha of equation 5, and in words who chose it."""

    value: float
    origin: str


@dataclass(frozen=True)
class Calibration:
    """What turns a model's parts into scores."""

    held_out: AveragedParts
    scale: Scale
    alpha: Alpha


def calibrate(
    normals: Iterable[ClipParts],
    outliers: Iterable[ClipParts],
    labelled: Iterable[tuple[ClipParts, bool]] = (),
    *,
    default: Alpha,
) -> Calibration:
    """Fit the scale to held-out ``normals`` and to ``outliers``, and choose alpha.

    ``labelled`` are validation clips and whether each is an anomaly. Without them, or where a score
    has one part alone, alpha is the ``default``. Raises ``TrainingError`` where the model diverged.
    """
    held_out = AveragedParts.of(map(_sound, normals))
    others = AveragedParts.of(map(_sound, outliers))
    scale = Scale(0.0, 1.0)
    if held_out.distance is not None and others.distance is not None:
        scale = Scale.between(held_out.distance, others.distance)
    labelled = list(labelled)
    if not labelled:
        return Calibration(held_out, scale, default)
    parts = AveragedParts.of(_sound(clip) for clip, _ in labelled)
    if parts.gap is None or parts.distance is None:
        alpha = Alpha(default.value, "without effect for this method")
        return Calibration(held_out, scale, alpha)
    is_anomaly = [anomaly for _, anomaly in labelled]
    best = _best_alpha(parts.gap, scale(parts.distance), is_anomaly, default.value)
    alpha = Alpha(best, f"{len(labelled)} labelled validation clips")
    return Calibration(held_out, scale, alpha)


def _sound(parts: ClipParts) -> ClipParts:
    if not parts.is_finite:
        raise TrainingError(
            "the trained model gives figures that are not finite; lower the learning rates in "
            "the recipe and train again"
        )
    return parts


def _best_alpha(
    gap: NDArray[np.float64],
    scaled: NDArray[np.float64],
    is_anomaly: Sequence[bool],
    default: float,
) -> float:
    """Choose of 0, 0.1, ... 1 the alpha with the largest AUC (Table I); of equals the nearest."""
    from sklearn.metrics import roc_auc_score  # slow to import, and few fits come this way

    aucs = {alpha: roc_auc_score(is_anomaly, anomaly_score(gap, scaled, alpha)) for alpha in ALPHAS}
    return max(ALPHAS, key=lambda alpha: (aucs[alpha], -abs(alpha - default)))
