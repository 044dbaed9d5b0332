"""Show a rehearsal on the terminal, in at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rattle.runtime.rehearsal import NOTICE, Rehearsal
from rattle.runtime.rehearsal_said import heard_said, limits_said, percent, unsupported_said

KIND, CELL = 12, 7


def rehearsal_lines(rehearsal: Rehearsal, machine: str) -> Iterator[str]:
    """Give the lines: what it is, shares by kind and level, what is heard, shares by rate."""
    yield f"{machine}: a rehearsal. {NOTICE}"
    yield ""
    threshold = rehearsal.threshold
    yield (
        f"Found at the present threshold, {threshold.value:.4g} (asked for "
        f"{percent(threshold.false_alarm_rate)} false alarms):"
    )
    yield ""
    levels = "".join(f"{f'{level:.0f} dB':>{CELL}}" for level in rehearsal.levels_db)
    yield f"{'fault':{KIND}}{levels}"
    for kind in (*rehearsal.kinds, None):
        shares = (
            rehearsal.found(threshold.value, kind=kind, level_db=level).value
            for level in rehearsal.levels_db
        )
        yield f"{kind or 'all':{KIND}}" + "".join(f"{percent(share):>{CELL}}" for share in shares)
    yield ""
    yield "0 dB is as loud as the machine itself."
    yield from limits_said(rehearsal)
    yield ""
    yield from heard_said(rehearsal, rehearsal.threshold.value)
    yield ""
    yield from _rate_lines(rehearsal)


def _rate_lines(rehearsal: Rehearsal) -> Iterator[str]:
    yield "By the false-alarm rate asked for, of all faults and of the healthy clips:"
    yield ""
    yield f"{'rate':>8} {'threshold':>11} {'found':>7} {'95 %':>13} {'healthy above':>15}"
    for threshold in rehearsal.thresholds:
        found = rehearsal.found(threshold.value)
        mark = " " if threshold.supported else "*"
        yield (
            f"{percent(threshold.false_alarm_rate):>7}{mark} {threshold.value:11.4g} "
            f"{percent(found.value):>7} {f'{100 * found.low:.0f} to {percent(found.high)}':>13} "
            f"{percent(rehearsal.false_alarms(threshold.value).value):>15}"
        )
    unsupported = unsupported_said(rehearsal.thresholds)
    if unsupported:
        yield f"* {unsupported}"
