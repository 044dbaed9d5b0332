"""Say what an adaptation changed: nothing is to get worse in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rattle.bundle.known import Known, KnownClip
from rattle.bundle.schema import BundleInfo
from rattle.runtime.carry import crossed_without
from rattle.runtime.clip_scorer import mix_of, threshold_of
from rattle.runtime.refit import Fitted, averaged, refit
from rattle.scoring.head import Head
from rattle.scoring.score import Values

# Anomalies are judged by heads that did not learn from them, in so many turns.
TURNS = 8


@dataclass(frozen=True)
class Judged:
    """Whether a clip was called anomalous before, and whether it is now.

    ``apart`` says so of a head that had not learnt from the clip; None where that was not tried.
    """

    name: str
    before: bool
    after: bool
    apart: bool | None = None


@dataclass(frozen=True)
class Change:
    """What became of the clips whose labels are known.

    ``healthy`` were held out of every training, ``anomalies`` are those that it learnt from, now
    and before, ``silenced`` what someone called normal. ``is_raised`` says that the threshold had
    to rise for those, above all for the clip ``highest``.
    """

    healthy: tuple[Judged, ...]
    anomalies: tuple[Judged, ...]
    silenced: tuple[Judged, ...] = ()
    is_raised: bool = False
    highest: str | None = None

    @property
    def lost(self) -> list[str]:
        """Names of anomalies that were found before and are not now."""
        return [clip.name for clip in self.anomalies if clip.before and not clip.after]


def change_of_head(
    info: BundleInfo, head: Head, known: Known, fitted: Fitted, silenced: Sequence[str]
) -> Change:
    """Compare a bundle's ``head`` with the one fitted to ``known``, on all clips that it holds."""
    quiet = [clip for clip in (*known.normals, *known.held_out) if clip.hash in silenced]
    apart = _apart(info, head, known, silenced)

    def judged(clips: Sequence[KnownClip]) -> tuple[Judged, ...]:
        each = zip(clips, _alarms(info, head, clips), fitted.alarms(clips), strict=True)
        return tuple(
            Judged(clip.name, before, after, apart.get(clip.hash)) for clip, before, after in each
        )

    return Change(
        judged([clip for clip in known.held_out if clip.hash not in silenced]),
        judged(known.anomalies),
        judged(quiet),
        fitted.is_raised,
        highest_silenced(fitted.silenced.scores(fitted.mix), fitted.quiet, known)
        if fitted.quiet
        else None,
    )


def highest_silenced(scores: Values, hashes: Sequence[str], known: Known) -> str | None:
    """Name the clip with the highest score of those that were silenced, where it has a name."""
    return known.names().get(hashes[int(np.argmax(scores))])


def _alarms(info: BundleInfo, head: Head, clips: Sequence[KnownClip]) -> list[bool]:
    if not clips:
        return []
    threshold = threshold_of(info).value
    return [bool(score > threshold) for score in averaged(head, clips).scores(mix_of(info))]


def _apart(info: BundleInfo, head: Head, known: Known, silenced: Sequence[str]) -> dict[str, bool]:
    """Judge each anomaly by a head fitted to the others; nothing where there is but one."""
    turns = min(len(known.anomalies), TURNS)
    found: dict[str, bool] = {}
    for turn in range(turns if turns > 1 else 0):
        left_out = known.anomalies[turn::turns]
        others = tuple(clip for clip in known.anomalies if clip not in left_out)
        fitted = refit(
            head,
            replace(known, anomalies=others),
            info.recipe,
            info.alpha,
            silenced,
            crossed_without(info, {clip.hash for clip in known.anomalies}),
        )
        alarms = fitted.alarms(left_out)
        found |= {clip.hash: alarm for clip, alarm in zip(left_out, alarms, strict=True)}
    return found
