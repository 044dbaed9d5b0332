"""Say on the terminal what an adaptation changed."""

from __future__ import annotations

from collections.abc import Sequence

from rattle.pages.words import counted
from rattle.runtime.change import Change, Judged

# More names than this are counted, not listed.
NAMES = 6


def change_lines(machine: str, change: Change) -> list[str]:
    """Give the lines: what was found and is, false alarms, and what got lost."""
    lines = []
    if change.anomalies:
        lines.append(f"{machine}: {_found(change.anomalies)}")
    if change.lost:
        lines.append(
            f"{machine}: warning: found before and not now: {_listed(change.lost)}; listen to them "
            "again, or keep the old bundle"
        )
    if change.healthy:
        was = sum(clip.before for clip in change.healthy)
        is_ = sum(clip.after for clip in change.healthy)
        lines.append(
            f"{machine}: of {counted(len(change.healthy), 'healthy clip')} that it did not learn "
            f"from {was} would have been an alarm before, {is_} would be now"
        )
    if change.silenced:
        loud = [clip.name for clip in change.silenced if clip.after]
        lines.append(
            f"{machine}: {counted(len(change.silenced), 'clip')} called normal: "
            + (f"still an alarm: {_listed(loud)}" if loud else "no alarm")
        )
    if change.is_raised:
        lines.append(
            f"{machine}: warning: the threshold rose for what was called normal, above all for "
            f"{change.highest or 'one of the clips'}, which sounds like a fault, and fainter "
            "faults are missed now; listen to it again, and if it is faulty give it as an anomaly"
        )
    return lines


def _found(anomalies: Sequence[Judged]) -> str:
    was, is_ = sum(clip.before for clip in anomalies), sum(clip.after for clip in anomalies)
    count = counted(len(anomalies), "anomaly", "anomalies")
    text = f"of {count} it found {was} before and finds {is_} now"
    apart = [clip.apart for clip in anomalies if clip.apart is not None]
    if apart:
        text += f"; {sum(apart)} when each is judged without having been learnt from"
    return text


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
