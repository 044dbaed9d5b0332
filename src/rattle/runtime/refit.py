"""Fit a head anew to the embeddings that a bundle keeps: no recording, no encoder, no torch.

It is a function of what is known alone: in whatever order clips were labelled, the head is the
same, and a label that is taken back takes its effect back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rattle.bundle.known import Embeddings, Known, KnownClip, stacked
from rattle.bundle.schema import CrossFitted, HeldOut
from rattle.recipe import Recipe
from rattle.runtime.carry import carried
from rattle.runtime.clip_scorer import scores_of
from rattle.scoring.clip import AveragedParts, Mix
from rattle.scoring.head import CENTRES, Head, Vector, evenly
from rattle.scoring.head_fit import between, fit_posterior, part_of_the_way
from rattle.scoring.score import Scale, Values
from rattle.scoring.threshold import fit_threshold, silencing


@dataclass(frozen=True)
class Fitted:
    """A head, how its parts become a score, and above which score a clip is anomalous.

    ``held_out`` and ``silenced`` are the parts of those normals, the latter of the clips ``quiet``;
    ``crossed`` are those of clips that siblings scored. ``threshold`` is that of the first and the
    last or, where that is above it (``is_raised``), the one that silences the others.
    """

    head: Head
    mix: Mix
    held_out: AveragedParts
    crossed: tuple[CrossFitted, ...]
    silenced: AveragedParts
    quiet: tuple[str, ...]
    threshold: float
    is_raised: bool

    def alarms(self, clips: Sequence[KnownClip]) -> list[bool]:
        """Say of each clip whether it is called anomalous."""
        return [bool(score > self.threshold) for score in self.scores(clips)]

    def scores(self, clips: Sequence[KnownClip]) -> Values:
        """Compute s of each clip (equation 5)."""
        return averaged(self.head, clips).scores(self.mix) if clips else np.empty(0)


@dataclass(frozen=True)
class Way:
    """From the head that was trained to the one that all labels make of it.

    ``start`` measures d from what is known by now; nothing but w and b changes along the way, so
    ``mix`` is the same all along.
    """

    start: Head
    end: Head
    mix: Mix

    def at(self, part: float) -> Head:
        """Give the head at a part of the way, 0 to 1."""
        return _between(self.start, self.end, part)


def way(head: Head, known: Known, recipe: Recipe, alpha: float, silenced: Collection[str]) -> Way:
    """Find where a head may go; arguments as in ``refit``."""
    start, end = _ends(head, known, recipe, silenced)
    return Way(start, end, _mix(start, known, alpha, averaged(start, known.held_out)))


def refit(
    head: Head,
    known: Known,
    recipe: Recipe,
    alpha: float,
    silenced: Collection[str],
    crossed: Sequence[CrossFitted] = (),
    part: float | None = None,
) -> Fitted:
    """Fit w and b by equation 1, and with them centres, scale and threshold.

    ``silenced`` are hashes of clips that someone called normal; ``crossed`` are parts by siblings
    of ``head``, which are carried over. The head sets out from the one that was trained with the
    encoder and goes ``part`` of the way, by default as much as there are labels
    (``part_of_the_way``). Where a silenced clip would then go on being an alarm it goes all of it
    and, where faults are known, learns from those that were held out too: a threshold that rises
    over a loud clip silences fainter faults. Without a fault they are a new state, of which the
    threshold has to hear too.
    """
    quiet = [clip for clip in (*known.normals, *known.held_out) if clip.hash in silenced]
    common = held_out_still(known, silenced)
    before = averaged(head, common)

    def fitted(ends: tuple[Head, Head], part: float) -> Fitted:
        moved = _between(*ends, part)
        theirs = carried(crossed, before, averaged(moved, common))
        return _fitted(moved, known, recipe, alpha, quiet, theirs)

    ends = _ends(head, known, recipe, silenced)
    if part is not None:
        return fitted(ends, part)
    first = fitted(ends, part_of_the_way(len(known.anomalies) + len(quiet)))
    if not first.is_raised:
        return first
    whole = fitted(ends, 1.0)
    told = tuple(clip for clip in known.held_out if clip.hash in silenced)
    if not (whole.is_raised and known.anomalies and 0 < len(told) < len(known.held_out)):
        return whole
    learnt_from = replace(known, normals=(*told, *known.normals))
    return fitted(_ends(head, learnt_from, recipe, silenced), 1.0)


def held_out_still(known: Known, silenced: Collection[str]) -> list[KnownClip]:
    """List the clips held out that nobody called normal; all of them where there is no other."""
    others = [clip for clip in known.held_out if clip.hash not in silenced]
    return others or list(known.held_out)


def _ends(head: Head, known: Known, recipe: Recipe, silenced: Collection[str]) -> tuple[Head, Head]:
    """Give the head that was trained, and the one that all labels make of it."""
    normals = tuple(clip.shortened() if clip.hash in silenced else clip for clip in known.normals)
    start = _at_start(
        head, known, _centres(head, replace(known, normals=normals), recipe, silenced)
    )
    told = any(clip.hash in silenced for clip in (*known.normals, *known.held_out))
    if start.weight is None or not (known.anomalies or told):
        return start, start
    weight, bias = fit_posterior(
        stacked(normals, head.dimensions),
        known.outliers,
        stacked(known.anomalies, head.dimensions),
        start=start,
    )
    return start, replace(start, weight=weight, bias=bias)


def _between(start: Head, end: Head, part: float) -> Head:
    if end.weight is None or end.bias is None:
        return start
    weight, bias = between(start, end.weight, end.bias, part)
    return replace(start, weight=weight, bias=bias)


def averaged(head: Head, clips: Sequence[KnownClip]) -> AveragedParts:
    """Compute 1 - p and d of clips, averaged over their windows."""
    return AveragedParts.of(head.parts(np.zeros(len(clip.z)), clip.z) for clip in clips)


def _at_start(head: Head, known: Known, centres: Embeddings | None) -> Head:
    arrays: dict[str, Vector | None] = {"weight": head.weight, "bias": head.bias, **known.start}
    return replace(head, weight=arrays["weight"], bias=arrays["bias"], centres=centres)


def _centres(
    head: Head, known: Known, recipe: Recipe, silenced: Collection[str]
) -> Embeddings | None:
    """Choose what d is measured from; what was silenced is always among the nearest normals.

    DSAD's c stays where it is; c_p is the trained one where no normal is new.
    """
    if not recipe.has_moving_centroids:
        return head.centres
    told = [clip for clip in known.normals if clip.hash in silenced]
    if not recipe.measures_nearest:
        if not told:
            return known.start["centre"][None] if "centre" in known.start else head.centres
        mean = stacked(known.normals, head.dimensions).mean(axis=0, keepdims=True)
        return np.asarray(mean, dtype=np.float32)
    others = [clip for clip in known.normals if clip.hash not in silenced]
    # By hash: which windows are taken is not to follow from who was labelled first.
    new = stacked(sorted(told, key=lambda clip: clip.hash), head.dimensions)
    new = _evenly_of(new, CENTRES // 2 if others else CENTRES)
    old = _evenly_of(stacked(others, head.dimensions), CENTRES - len(new))
    return np.concatenate([new, old])


def _evenly_of(z: Embeddings, most: int) -> Embeddings:
    return z[evenly(len(z), most)] if len(z) else z


def _fitted(
    head: Head,
    known: Known,
    recipe: Recipe,
    alpha: float,
    quiet: Sequence[KnownClip],
    crossed: tuple[CrossFitted, ...],
) -> Fitted:
    held_out, silenced = averaged(head, known.held_out), averaged(head, quiet)
    mix = _mix(head, known, alpha, held_out)
    healthy = scores_of([*HeldOut.of_each(held_out), *crossed], mix)
    threshold = fit_threshold(healthy, recipe.scoring.false_alarm_rate).value
    silent = silencing(silenced.scores(mix)) if quiet else threshold
    return Fitted(
        head,
        mix,
        held_out,
        crossed,
        silenced,
        tuple(clip.hash for clip in quiet),
        threshold=max(threshold, silent),
        is_raised=silent > threshold,
    )


def _mix(head: Head, known: Known, alpha: float, held_out: AveragedParts) -> Mix:
    scale = Scale(0.0, 1.0)
    outliers = head.distances(known.outliers) if len(known.outliers) else None
    if held_out.distance is not None and outliers is not None:
        scale = Scale.between(held_out.distance, outliers)
    return Mix(alpha, scale)
