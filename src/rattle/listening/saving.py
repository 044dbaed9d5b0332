"""Store what a judge learns while it listens, every few minutes and at the end."""

from __future__ import annotations

from pathlib import Path

from rattle.listening.state import write_state
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge

# So much of running is lost where the power fails.
EVERY_MINUTES = 5


class Saving:
    """The state file of a judge. Raises ``StorageError`` where it cannot be written."""

    def __init__(self, path: Path, judge: Judge, scorer: Scorer) -> None:
        self.path, self._judge, self._scorer = path, judge, scorer
        self._saved = judge.ledger.heard

    def save_if_due(self) -> None:
        """Write once five minutes more were heard."""
        if self._judge.ledger.heard - self._saved >= EVERY_MINUTES:
            self.save()

    def save(self) -> None:
        """Write what is known now."""
        ledger = self._judge.ledger
        self._saved = ledger.heard  # where it fails, it is tried again in five minutes
        write_state(
            self.path,
            ledger.account(),
            ledger.budget_per_week,
            machine=self._scorer.info.machine,
            bundle=self._scorer.identity,
            rule=self._judge.rule,
        )
