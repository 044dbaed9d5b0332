"""Carry what siblings said of their clips over to the head or encoder that follows.

Clips that neither model learnt from show how it changed: where their parts lie now, and how widely.
Other clips, of which no embedding by this encoder is to be had, are taken to lie as far from the
middle now as they did, in deviations: a logit of p, and a distance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from rattle.bundle.schema import BundleInfo, CrossFitted
from rattle.scoring.clip import AveragedParts
from rattle.scoring.score import Values

# Logits beyond this are alike: p is 0 or 1.
LARGEST_LOGIT = 500.0


def carried(
    clips: Sequence[CrossFitted], before: AveragedParts, after: AveragedParts
) -> tuple[CrossFitted, ...]:
    """Give the parts of ``clips`` by a model that says ``after`` where another said ``before``.

    Those two are of the same clips, in the same order; of none, nothing can be carried over.
    """
    gap, distance = (
        _map(_each(before.gap, _logit), _each(after.gap, _logit)),
        _map(before.distance, after.distance),
    )
    if gap is None and distance is None:
        return ()

    def one(clip: CrossFitted) -> CrossFitted:
        new: dict[str, float] = {}
        if clip.gap is not None and gap is not None:
            new["gap"] = float(_gap(gap(_logit(np.array(clip.gap)))))
        if clip.distance is not None and distance is not None:
            new["distance"] = float(distance(np.array(clip.distance)))
        return clip.model_copy(update=new)

    return tuple(map(one, clips))


def crossed_without(info: BundleInfo, anomalies: Collection[str]) -> list[CrossFitted]:
    """List the clips that siblings scored, but for those that turned out to be anomalies."""
    return [clip for clip in info.cross_fitted if clip.clip not in anomalies]


def _map(before: Values | None, after: Values | None) -> Callable[[Values], Values] | None:
    """Give the straight line by which mean and deviation become what they are after."""
    if before is None or after is None or not len(before):
        return None
    deviation = float(before.std())
    widened = float(after.std()) / deviation if deviation > 0 else 1.0
    middle, moved = before.mean(), after.mean()
    return lambda values: moved + widened * (values - middle)


def _each(values: Values | None, function: Callable[[Values], Values]) -> Values | None:
    return None if values is None else function(values)


def _logit(gap: Values) -> Values:
    """Compute the logit of 1 - p, where neither is nothing."""
    with np.errstate(divide="ignore"):
        logit: Values = np.log(gap) - np.log1p(-gap)
    return logit.clip(-LARGEST_LOGIT, LARGEST_LOGIT)


def _gap(logit: Values) -> Values:
    return np.exp(-np.logaddexp(0.0, -logit))
