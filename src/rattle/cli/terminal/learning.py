"""Say while listening what was learnt: stages, thresholds and incidents, as they change."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rattle.cli.terminal.budget_lines import NAMES, raised_line, stage_words, thresholds_words

if TYPE_CHECKING:
    from rattle.listening.hops import Hop
    from rattle.scoring.budget.judge import Judge
    from rattle.scoring.budget.ledger import Change, Level

ODDEST = 5


class Learning:
    """What changed in what a judge knows; and the oddest moments heard before it sends anything."""

    def __init__(self, judge: Judge) -> None:
        self._ledger = judge.ledger
        self._fitted = judge.ledger.fitted
        self._oddest: list[tuple[float, str]] = []  # a heap: highest Y of a minute, and when
        self._minute: tuple[float, str] | None = None

    def hop(self, hop: Hop, time: str) -> Iterator[str]:
        """Take a hop, and give a line for each thing to say."""
        judged = hop.judged
        if judged is None:
            return
        if self._minute is None or judged.y > self._minute[0]:
            self._minute = (judged.y, time)
        if judged.minute is None:
            return
        if not self._fitted:
            heapq.heappush(self._oddest, self._minute)
            self._oddest = heapq.nlargest(ODDEST, self._oddest)
            heapq.heapify(self._oddest)
        self._minute = None
        if self._ledger.fitted != self._fitted:
            yield f"{stage_words(self._ledger)}; {thresholds_words(self._ledger)}"
            if self._oddest:
                yield f"the oddest moments so far, to listen to: {self._told()}"
            self._fitted, self._oddest = self._ledger.fitted, []

    def _told(self) -> str:
        return ", ".join(f"{time} ({y:.4g})" for y, time in sorted(self._oddest, reverse=True))


def incident_lines(judge: Judge, changes: Sequence[tuple[Level, Change]]) -> Iterator[str]:
    """Say which incident began or ended; where an alarm does, watch goes without saying."""
    for change in ("raised", "ended"):
        levels = [level for level, what in changes if what == change]
        if levels and change == "raised":
            yield raised_line(judge, levels[-1])
        elif levels:
            yield f"{NAMES[levels[-1]].lower()} ended: ten calm minutes"
