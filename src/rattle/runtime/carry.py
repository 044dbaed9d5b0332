"""Carry what was known of a head over to the one that follows it.

Clips that neither head learnt from show how it changed; others, of which no embedding by this
encoder is to be had, are taken to have changed alike: a logit by a step, a distance by a factor.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from rattle.bundle.schema import BundleInfo, CrossFitted
from rattle.scoring.clip import AveragedParts
from rattle.scoring.score import Values

# Logits beyond this are alike: p is 0 or 1.
LARGEST_LOGIT = 500.0


def carried(
    clips: Sequence[CrossFitted], before: AveragedParts, after: AveragedParts
) -> tuple[CrossFitted, ...]:
    """Give the parts of ``clips`` by a head that says ``after`` where another said ``before``.

    Those two are of the same clips, in the same order; of none, nothing can be carried over.
    """
    step, factor = _step(before.gap, after.gap), _factor(before.distance, after.distance)
    if step is None and factor is None:
        return ()

    def one(clip: CrossFitted) -> CrossFitted:
        gap, distance = clip.gap, clip.distance
        if gap is not None and step is not None:
            gap = float(_gap(_logit(np.array(gap)) + step))
        if distance is not None and factor is not None:
            distance *= factor
        return clip.model_copy(update={"gap": gap, "distance": distance})

    return tuple(map(one, clips))


def crossed_without(info: BundleInfo, anomalies: Collection[str]) -> list[CrossFitted]:
    """List the clips that siblings scored, but for those that turned out to be anomalies."""
    return [clip for clip in info.cross_fitted if clip.clip not in anomalies]


def _step(before: Values | None, after: Values | None) -> float | None:
    if before is None or after is None or not len(before):
        return None
    return float(np.median(_logit(after) - _logit(before)))


def _factor(before: Values | None, after: Values | None) -> float | None:
    if before is None or after is None or not len(before):
        return None
    return float(after.mean() / before.mean()) if before.mean() > 0 else 1.0


def _logit(gap: Values) -> Values:
    """Compute the logit of 1 - p, where neither is nothing."""
    with np.errstate(divide="ignore"):
        logit: Values = np.log(gap) - np.log1p(-gap)
    return logit.clip(-LARGEST_LOGIT, LARGEST_LOGIT)


def _gap(logit: Values) -> Values:
    return np.exp(-np.logaddexp(0.0, -logit))
