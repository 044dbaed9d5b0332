"""Say a rehearsal in sentences: what could be heard, and how far its shares can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rattle.pages.words import counted
from rattle.runtime.rehearsal import NOTICE, Rehearsal
from rattle.scoring.share import Share
from rattle.scoring.threshold import Threshold
from rattle.synthetic.level import amplitude


def heard_said(rehearsal: Rehearsal, threshold: float) -> Iterator[str]:
    """Say of each kind from which level on half of its faults are above the threshold, or none."""
    lowest, loudest = rehearsal.levels_db[0], rehearsal.levels_db[-1]
    for kind in rehearsal.kinds:
        level = rehearsal.half_found_from_db(kind, threshold)
        if level is None:
            yield (
                f"{kind}: fewer than half are found even at {loudest:.0f} dB, {_loudness(loudest)}."
            )
        elif level <= lowest:
            yield (
                f"{kind}: half or more are found at every level from {lowest:.0f} dB on, "
                f"{_loudness(lowest)}."
            )
        else:
            yield f"{kind}: half are found from {round(level)} dB on, {_loudness(level)}."


def document_of(
    rehearsal: Rehearsal, threshold: float, at: datetime, tried_on: str
) -> dict[str, Any]:
    """What a page shows, as JSON holds it: sentences, and the share of each kind that is found.

    ``tried_on`` says on what it was, and against which threshold.
    """
    return {
        "at": at.isoformat(),
        "sentences": [
            *heard_said(rehearsal, threshold),
            f"Tried on {tried_on}. {NOTICE}",
        ],
        "levels_db": list(rehearsal.levels_db),
        "found": {
            kind: [
                rehearsal.found(threshold, kind=kind, level_db=level).value
                for level in rehearsal.levels_db
            ]
            for kind in rehearsal.kinds
        },
    }


def limits_said(rehearsal: Rehearsal) -> Iterator[str]:
    """Say what the healthy clips themselves give, and how many clips the shares stand on."""
    clips, threshold = len(rehearsal.healthy), rehearsal.threshold
    alarms = rehearsal.false_alarms(threshold.value)
    above = round(alarms.value * clips)
    yield (
        f"Without a fault {above} of {counted(clips, 'healthy clip')} "
        f"{'is' if above == 1 else 'are'} above the threshold."
    )
    if rehearsal.is_alarmed_by_health:
        yield (
            f"That is more than the threshold allows for ({percent(threshold.high)} at most), so "
            "what is found may be the clips and not the faults: check that they are healthy, of "
            "this machine and from the same microphone."
        )
    half = Share.of(0.5, clips)
    yield (
        f"On {counted(clips, 'clip')} a share of 50 % stands for anything from "
        f"{percent(half.low)} to {percent(half.high)}."
    )


def unsupported_said(thresholds: tuple[Threshold, ...]) -> str | None:
    """Say which false-alarm rates the healthy clips cannot show; None where they show all."""
    without = [threshold for threshold in thresholds if not threshold.supported]
    if not without:
        return None
    rates = ", ".join(percent(threshold.false_alarm_rate) for threshold in without)
    return (
        f"{counted(without[0].clips, 'healthy clip')} cannot show a false-alarm rate of "
        f"{rates}: there the threshold is the highest score among them."
    )


def percent(share: float) -> str:
    """Write ``5 %``; with a digit behind the point below 1 %."""
    digits = 0 if share >= 0.01 or not share else 1
    return f"{100 * share:.{digits}f} %"


def _loudness(level_db: float) -> str:
    if abs(level_db) < 0.5:
        return "as loud as the machine"
    how = "quieter" if level_db < 0 else "louder"
    return f"{how} than the machine by a factor of {amplitude(abs(level_db)):.2g}"
