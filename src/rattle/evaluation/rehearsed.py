"""Lay out a rehearsal for the report: shares by kind and level, sentences, shares by rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rattle.runtime.rehearsal import NOTICE, Rehearsal
from rattle.runtime.rehearsal_said import heard_said, limits_said, unsupported_said
from rattle.scoring.share import Share
from rattle.scoring.threshold import Threshold


@dataclass(frozen=True)
class RateRow:
    """What a threshold for a false-alarm rate finds, of all faults and of the healthy clips."""

    threshold: Threshold
    found: Share
    healthy: Share


@dataclass(frozen=True)
class RehearsalSection:
    """What the page shows of one machine's rehearsal; ``rows`` are shares by kind, at each level.

    ``heard`` are sentences, one a kind; ``remarks`` say how to read the shares.
    """

    notice: str
    threshold: Threshold
    levels_db: Sequence[float]
    rows: Sequence[tuple[str, Sequence[Share]]]
    heard: Sequence[str]
    remarks: Sequence[str]
    rates: Sequence[RateRow]
    unsupported: str | None


def rehearsal_section(rehearsal: Rehearsal) -> RehearsalSection:
    """Lay out a rehearsal at the present threshold, and at those of other rates."""
    present, levels_db = rehearsal.threshold.value, rehearsal.levels_db
    rows = [
        (kind or "all", [rehearsal.found(present, kind=kind, level_db=db) for db in levels_db])
        for kind in (*rehearsal.kinds, None)
    ]
    return RehearsalSection(
        NOTICE,
        rehearsal.threshold,
        levels_db,
        rows,
        list(heard_said(rehearsal, rehearsal.threshold.value)),
        list(limits_said(rehearsal)),
        [
            RateRow(each, rehearsal.found(each.value), rehearsal.false_alarms(each.value))
            for each in rehearsal.thresholds
        ],
        unsupported_said(rehearsal.thresholds),
    )
