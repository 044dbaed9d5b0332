"""Make the judge of a bundle's scores, with what was learnt before."""

from __future__ import annotations

from pathlib import Path

from rattle.errors import DataError
from rattle.listening.state import read_state
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.windows import frame_seconds, timeline_hop

LEAST, MOST = 0.01, 1000.0  # false alarms a week


def judge_of(
    scorer: Scorer, rule: AlarmRule, budget_per_week: float, state: Path | None = None
) -> Judge:
    """Make a judge that begins with what ``state`` holds, where that file is there.

    Raises ``DataError`` for a budget that is none, and for a state that does not fit.
    """
    if not LEAST <= budget_per_week <= MOST:
        raise DataError(
            f"{budget_per_week:g} false alarms a week are no budget; give {LEAST:g} to {MOST:g}",
            argument="budget",
        )
    account = None
    if state is not None:
        account = read_state(state, budget_per_week, bundle=scorer.identity, rule=rule)
    hop_s = timeline_hop(scorer.recipe) * frame_seconds(scorer.recipe)
    judge = Judge(rule, hop_s=hop_s, budget_per_week=budget_per_week, account=account)
    if account is not None and not account.thresholds and judge.ledger.stage != "learning":
        judge.ledger.refit()  # another budget than the one that it was stored with
    return judge
