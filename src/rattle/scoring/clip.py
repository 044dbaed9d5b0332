"""Score a clip by its windows, and decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rattle.scoring.score import Scale, Values, anomaly_score, posterior_gap
from rattle.scoring.threshold import Threshold


@dataclass(frozen=True)
class ClipParts:
    """What the network says of a clip's windows: ``[n]`` each, in time order.

    ``logits`` of p are None for a loss without BCE, ``distances`` d for BCE alone.
    """

    start_s: Values
    logits: Values | None
    distances: Values | None

    @property
    def is_finite(self) -> bool:
        """Whether every figure is a number; a score of others would decide nothing."""
        return all(np.isfinite(p).all() for p in (self.logits, self.distances) if p is not None)


@dataclass(frozen=True)
class Mix:
    """How the parts become a score: equation 5's alpha and the scale of d."""

    alpha: float
    scale: Scale


@dataclass(frozen=True)
class WindowScore:
    """One window of the timeline: where it starts and what it scores."""

    start_s: float
    score: float
    posterior: float | None
    distance: float | None


@dataclass(frozen=True)
class ClipScore:
    """A clip's anomaly score; higher is more anomalous.

    ``posterior`` is the mean probability of the normal class and ``distance`` the mean squared
    distance d over the windows; ``anomalous`` is ``score > threshold``.
    """

    path: str
    score: float
    posterior: float | None
    distance: float | None
    threshold: float
    anomalous: bool
    windows: tuple[WindowScore, ...]


@dataclass(frozen=True)
class Unscored:
    """A clip that could not be scored, and why."""

    path: str
    reason: str


def clip_value(parts: ClipParts, mix: Mix) -> float:
    """Compute s of a clip: equation 5 of its averaged parts.

    That is the mean of its windows' s.
    """
    gap = None if parts.logits is None else posterior_gap(parts.logits)
    distance = None if parts.distances is None else mix.scale(parts.distances)
    averaged = [None if part is None else np.array(part.mean()) for part in (gap, distance)]
    return float(anomaly_score(averaged[0], averaged[1], mix.alpha))


def clip_score(path: str, parts: ClipParts, mix: Mix, threshold: Threshold) -> ClipScore:
    """Give a clip's score and decision with its windows' scores."""
    gap = None if parts.logits is None else posterior_gap(parts.logits)
    scaled = None if parts.distances is None else mix.scale(parts.distances)
    timeline = anomaly_score(gap, scaled, mix.alpha)
    score = clip_value(parts, mix)
    return ClipScore(
        path=path,
        score=score,
        posterior=None if gap is None else float(1 - gap.mean()),
        distance=None if parts.distances is None else float(parts.distances.mean()),
        threshold=threshold.value,
        anomalous=score > threshold.value,
        windows=tuple(
            WindowScore(
                float(start),
                float(timeline[i]),
                None if gap is None else float(1 - gap[i]),
                None if parts.distances is None else float(parts.distances[i]),
            )
            for i, start in enumerate(parts.start_s)
        ),
    )
