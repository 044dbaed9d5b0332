"""Join what was heard of one minute in parts, or of many minutes that waited too long.

A station that is started again within a minute hears the rest of it, and an ear tells a minute that
goes on and tells it again, longer. M is known by its number, so none is lost and none counts twice,
however often a part is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.stages import KEPT_MINUTES
from rattle.station.records import MinuteHeard

SECONDS = 60.0


def joined(known: MinuteHeard, part: MinuteHeard) -> MinuteHeard:
    """Join two parts of one minute; where one holds the other, it is that one.

    What another release heard replaces it: their scores are on scales of their own.
    """
    if known.release_id != part.release_id or _holds(part, known):
        return part
    if _holds(known, part):
        return known
    minutes, heard = _numbered(known, part)
    return replace(
        part,
        scores=_overlaid(known.scores, part.scores),
        highest=_highest(known, part),
        minutes=minutes,
        heard=heard,
        level_db=_mean_level(known, part),
        running_s=min(known.running_s + part.running_s, SECONDS),
        lost_s=min(known.lost_s + part.lost_s, SECONDS),
        fitness=part.fitness or known.fitness,
    )


def without_scores(minutes: Sequence[MinuteHeard]) -> MinuteHeard:
    """Make one of many minutes of a source, in order: what the budget counts of them, no scores.

    It stands at the first; the others are a gap.
    """
    first = minutes[0]
    for minute in minutes[1:]:
        numbered, heard = _numbered(first, minute)
        first = replace(
            first, highest=_highest(first, minute), minutes=numbered[-KEPT_MINUTES:], heard=heard
        )
    return replace(first, scores=np.empty(0, np.float32))


def with_minutes_of(row: MinuteHeard, later: MinuteHeard) -> MinuteHeard:
    """Keep M of a minute that was heard later in this row, too; nothing else of it."""
    minutes, heard = _numbered(row, later)
    return replace(row, minutes=minutes[-KEPT_MINUTES:], heard=heard)


def _holds(known: MinuteHeard, part: MinuteHeard) -> bool:
    scores, others = (np.asarray(each.scores, "<f4").tobytes() for each in (known, part))
    has_scores = others in scores
    first, first_other = (each.heard - len(each.minutes) for each in (known, part))
    has_minutes = not part.minutes or (first <= first_other and part.heard <= known.heard)
    return has_scores and has_minutes


def _overlaid(scores: NDArray[np.float32], more: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put scores behind others, those once that end the one and begin the other."""
    known, new = (np.asarray(each, "<f4").tobytes() for each in (scores, more))
    both = min(len(scores), len(more))
    same = next(each for each in range(both, -1, -1) if known.endswith(new[: 4 * each]))
    return np.concatenate([scores, more[same:]])


def _numbered(*parts: MinuteHeard) -> tuple[tuple[float, ...], int]:
    """Join their M by number, without what is before a gap; gives also how many were heard.

    A part without any says nothing of numbers.
    """
    by_number = {
        part.heard - len(part.minutes) + place: value
        for part in parts
        for place, value in enumerate(part.minutes)
    }
    heard = max(part.heard for part in parts if part.minutes or not by_number)
    first = heard
    while first - 1 in by_number:
        first -= 1
    return tuple(by_number[number] for number in range(first, heard)), heard


def _highest(*parts: MinuteHeard) -> float | None:
    return max((part.highest for part in parts if part.highest is not None), default=None)


def _mean_level(*parts: MinuteHeard) -> float | None:
    """The level of the mean power, each part counted by its windows."""
    known = [(part.level_db, max(len(part.scores), 1)) for part in parts]
    powers = [(10 ** (level / 10), count) for level, count in known if level is not None]
    if not powers:
        return None
    mean = sum(power * count for power, count in powers) / sum(count for _, count in powers)
    return float(10 * np.log10(max(mean, 1e-30)))
