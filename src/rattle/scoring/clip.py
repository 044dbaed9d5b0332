"""Score a clip by its windows, and decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.decision import Decision, Unusual
from rattle.scoring.score import Scale, Values, anomaly_score, posterior_gap


@dataclass(frozen=True)
class Embedded:
    """Where the windows of a clip start, in seconds ``[n]``, and their embeddings ``[n, D]``."""

    start_s: Values
    z: NDArray[np.float32]


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

    def where(self, chosen: NDArray[np.bool_]) -> ClipParts:
        """Select windows."""
        return ClipParts(
            self.start_s[chosen],
            None if self.logits is None else self.logits[chosen],
            None if self.distances is None else self.distances[chosen],
        )


def joined(parts: Sequence[ClipParts]) -> ClipParts:
    """Put the parts of windows that follow each other together; at least one part."""
    logits = [each.logits for each in parts if each.logits is not None]
    distances = [each.distances for each in parts if each.distances is not None]
    return ClipParts(
        np.concatenate([each.start_s for each in parts]),
        np.concatenate(logits) if logits else None,
        np.concatenate(distances) if distances else None,
    )


@dataclass(frozen=True)
class Mix:
    """How the parts become a score: equation 5's alpha and the scale of d."""

    alpha: float
    scale: Scale


@dataclass(frozen=True)
class AveragedParts:
    """1 - p and d of some clips ``[n]``, averaged over windows; None where the loss has none."""

    gap: Values | None
    distance: Values | None

    @classmethod
    def of(cls, clips: Iterable[ClipParts]) -> AveragedParts:
        """Average each clip's windows."""
        parts = list(clips)
        gaps = [posterior_gap(p.logits).mean() for p in parts if p.logits is not None]
        distances = [p.distances.mean() for p in parts if p.distances is not None]
        return cls(np.array(gaps) if gaps else None, np.array(distances) if distances else None)

    def scores(self, mix: Mix) -> Values:
        """Compute s of each clip (equation 5)."""
        scaled = None if self.distance is None else mix.scale(self.distance)
        return anomaly_score(self.gap, scaled, mix.alpha)

    def rows(self) -> Iterator[tuple[float | None, float | None]]:
        """Give 1 - p and d of each clip; nothing where there is no clip."""
        if self.gap is None and self.distance is None:
            return iter(())
        gaps = repeat(None) if self.gap is None else self.gap.tolist()
        distances = repeat(None) if self.distance is None else self.distance.tolist()
        return zip(gaps, distances, strict=False)  # at least one of the two ends


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
    distance d over the windows; ``anomalous`` is ``score > threshold``, ``unusual`` says how the
    score lies among those of healthy clips. Both are None of a clip that is too short to be judged:
    its score is chance. ``remark`` says where the clip was recorded otherwise than the training
    clips or read otherwise than its header says, and which windows of it are left out.
    """

    path: str
    score: float
    posterior: float | None
    distance: float | None
    threshold: float
    anomalous: bool | None
    unusual: Unusual | None
    windows: tuple[WindowScore, ...]
    remark: str | None = None

    @property
    def decision(self) -> str:
        """Say in a word or two what was decided."""
        if self.anomalous is None:
            return "too short"
        return "ANOMALOUS" if self.anomalous else "normal"


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


def clip_score(
    path: str, parts: ClipParts, mix: Mix, decision: Decision, *, too_short: bool = False
) -> ClipScore:
    """Give a clip's score and decision with its windows' scores; of a short one no decision."""
    gap = None if parts.logits is None else posterior_gap(parts.logits)
    scaled = None if parts.distances is None else mix.scale(parts.distances)
    timeline = anomaly_score(gap, scaled, mix.alpha)
    score = clip_value(parts, mix)
    return ClipScore(
        path=path,
        score=score,
        posterior=None if gap is None else float(1 - gap.mean()),
        distance=None if parts.distances is None else float(parts.distances.mean()),
        threshold=decision.threshold.value,
        anomalous=None if too_short else score > decision.threshold.value,
        unusual=None if too_short else decision.unusual(score),
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
