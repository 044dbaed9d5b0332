"""Judge a machine hop by hop: what stage it is in, and what incident begins or ends."""

from __future__ import annotations

from dataclasses import dataclass

from rattle.scoring.budget.ledger import LEVELS, Account, Change, Ledger, Level
from rattle.scoring.budget.minutes import MinuteClock
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.budget.stages import Stage


@dataclass(frozen=True)
class Judged:
    """What a hop came to.

    y: the K-th largest of the last N scores. minute: M, where the hop ends a minute. stage: how far
    learning has come. level: of the incident that goes on, the higher one; None where none does.
    changes: levels whose incident begins or ends with this hop.
    """

    y: float
    minute: float | None
    stage: Stage
    level: Level | None
    changes: tuple[tuple[Level, Change], ...]


class Judge:
    """Takes the scores of a machine, one after another; keeps its minutes and thresholds.

    >>> judge = Judge(AlarmRule(), hop_s=1.0, budget_per_week=1.0)
    >>> judge.hop(0.3).stage
    'learning'
    """

    def __init__(
        self,
        rule: AlarmRule,
        *,
        hop_s: float,
        budget_per_week: float,
        account: Account | None = None,
        asks: bool = False,
    ) -> None:
        """``hop_s`` is the time from a score to the next; ``account`` what was stored.

        ``asks`` is for where people review alarms (``Ledger``).
        """
        self.rule = rule
        self.ledger = Ledger(budget_per_week, account, asks=asks)
        self._clock = MinuteClock(rule, hop_s)

    def hop(self, score: float | None) -> Judged:
        """Take the next window's score, None where it was not scored."""
        y, minute = self._clock.hop(score)
        ledger = self.ledger
        changes: list[tuple[Level, Change]] = [
            (level, "raised") for level in LEVELS if ledger.passed(level, y)
        ]
        if minute is not None:
            changes += [(level, "ended") for level in ledger.minute(minute)]
        level = next((level for level in reversed(LEVELS) if ledger.is_open(level)), None)
        return Judged(y, minute, ledger.stage, level, tuple(changes))
