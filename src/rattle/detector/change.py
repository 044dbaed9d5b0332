"""Say what training the encoder on changed."""

from __future__ import annotations

from collections.abc import Sequence

from rattle.bundle.known import KnownClip
from rattle.clips.manifest import Manifest
from rattle.detector.detector import Detector
from rattle.detector.preparing import names_of
from rattle.runtime.change import Change, Judged, highest_silenced
from rattle.runtime.clip_scorer import scores_of, threshold_of
from rattle.runtime.refit import averaged
from rattle.scoring.head import Head


def change_of_encoder(
    before: Detector, after: Detector, anomalies: Manifest, normals: Manifest
) -> Change:
    """Compare a detector with its parent: on the clips given, and on those that both know."""
    given = {*anomalies.hashes(), *normals.hashes()}
    older = before.known.without(given)
    earlier = set(after.info.provenance.silenced) - given
    old, new = (
        [clip for clip in (*known.normals, *known.held_out) if clip.hash in earlier]
        for known in (before.known, after.known)
    )
    unraised = threshold_of(after.info.model_copy(update={"silenced": ()}))
    return Change(
        healthy=_both(before, after, older.without(earlier).held_out, after.known.held_out),
        anomalies=(
            *_given(before, after, anomalies),
            *_both(before, after, older.anomalies, after.known.anomalies),
        ),
        silenced=(*_given(before, after, normals), *_both(before, after, old, new)),
        is_raised=after.threshold.value > unraised.value,
        highest=highest_silenced(
            scores_of(after.info.silenced, after.mix()),
            after.info.provenance.silenced,
            after.known,
        )
        if after.info.silenced
        else None,
    )


def _given(before: Detector, after: Detector, clips: Manifest) -> tuple[Judged, ...]:
    given, names = list(clips), names_of(clips)
    each = zip(names, before.score(given), after.score(given), strict=True)
    # What someone has labelled is held against the threshold however short it is.
    return tuple(
        Judged(clip.name, old.score > old.threshold, new.score > new.threshold)
        for clip, old, new in each
    )


def _both(
    before: Detector,
    after: Detector,
    old: Sequence[KnownClip],
    new: Sequence[KnownClip],
) -> tuple[Judged, ...]:
    """Judge the clips that both know, each by its own embeddings of them."""
    now = {clip.hash: clip for clip in new}
    pairs = [(clip, now[clip.hash]) for clip in old if clip.hash in now]
    was = _alarms(before, [clip for clip, _ in pairs])
    is_ = _alarms(after, [clip for _, clip in pairs])
    return tuple(
        Judged(clip.name, *judged) for (clip, _), *judged in zip(pairs, was, is_, strict=True)
    )


def _alarms(detector: Detector, clips: Sequence[KnownClip]) -> list[bool]:
    if not clips:
        return []
    head = Head.restored(detector.model.learnt()["head"], detector.recipe)
    scores = averaged(head, clips).scores(detector.mix())
    return [bool(score > detector.threshold.value) for score in scores]
