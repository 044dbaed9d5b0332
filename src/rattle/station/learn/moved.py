"""Carry a source's minutes over to another encoder, and let count what that heard itself.

minutes of the old     . . . : . . | | . . .      all that were heard
carried                . . . : . . | | . . .      on the new one's scale
heard by the new         ^       ^ [recording]    what it says of these is so
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rattle.scoring.budget.minutes import MINUTE_S
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.station.learn.gate import Source
from rattle.station.learn.pieces import HeardPiece, judged_by
from rattle.station.learn.replay import Voice


def healthy_scores(heard: Sequence[HeardPiece], old: Voice, new: Voice) -> tuple[Values, Values]:
    """Score the windows of kept sound by the old and by the new encoder, ``[n]`` each."""
    kept = [each for each in heard if each.incident_id is None]
    if not kept:
        return np.empty(0), np.empty(0)
    return (
        old.scores(np.concatenate([each.old for each in kept])),
        new.scores(np.concatenate([each.new for each in kept])),
    )


def heard_anew(
    source: Source, minutes: Values, heard: Sequence[HeardPiece], new: Voice, rule: AlarmRule
) -> Source:
    """Give a source's minutes by the new encoder; ``minutes [T]`` are those carried over to it.

    One in which a piece was kept is no lower than that piece. An incident that was recorded is no
    higher than its recording: what a carried minute says of a fault is a guess.
    """
    own = [each for each in heard if each.source_id == source.source_id]
    judged = judged_by(own, source.source_id, new, rule, is_new=True)
    found, ends = minutes.copy(), source.heard.ends
    for end, value in zip(judged.ends, judged.minutes, strict=True):
        inside = (ends > end - judged.lasts_s) & (ends - MINUTE_S < end)
        found[inside] = np.maximum(found[inside], value)
    is_recorded = np.zeros(len(judged.ends), np.bool_) if judged.picked is None else judged.picked
    for stood in source.stood:
        recorded = judged.within(stood.opened, stood.ended) & is_recorded
        if recorded.any():
            inside = source.heard.within(stood.opened, stood.ended)
            found[inside] = np.minimum(found[inside], judged.minutes[recorded].max())
    return replace(source, heard=replace(source.heard, minutes=found))
