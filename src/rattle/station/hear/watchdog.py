"""Find sources that claim to be live and give no window; looked for by another thread than theirs.

A source's own thread cannot say that it hangs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from rattle.station.board import Board, SourceNow
from rattle.station.judge.troubles import SourceTroubles

SILENT_AFTER_S = 60.0
# Others come when they come: a folder may get one recording a day.
STEADY_KINDS = ("device", "url", "push")


def silent_sources(board: Board, now: datetime, after_s: float = SILENT_AFTER_S) -> list[SourceNow]:
    """List the sources that claim to be live and have had no window for so long."""
    before = now - timedelta(seconds=after_s)
    return [
        source
        for source in board.sources().values()
        if source.kind in STEADY_KINDS
        and source.state in ("live", "unfit")
        and max(each for each in (source.since, source.heard_at, before) if each) <= before
    ]


def watch(
    board: Board,
    troubles: Mapping[str, SourceTroubles],
    now: datetime,
    after_s: float = SILENT_AFTER_S,
) -> list[SourceNow]:
    """Make an incident of each silent source, by id; it ends with the source's next window.

    One that is then known to be lost keeps its incident until it is heard. Returns those that are
    silent.
    """
    silent = silent_sources(board, now, after_s)
    are_silent = {source.id for source in silent}
    for source in board.sources().values():
        if source.id in are_silent:
            reason = f"it claims to be live, and has given no window for {after_s:g} s"
            troubles[source.id].say("no windows", reason, now)
        elif source.state in ("live", "unfit"):
            troubles[source.id].over("no windows", now)
    return silent
