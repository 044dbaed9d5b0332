"""Make the judge of a bundle's scores, with what was learnt before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rattle.errors import DataError
from rattle.listening.state import ANEW, read_state
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.windows import frame_seconds, timeline_hop

LEAST, MOST = 0.01, 1000.0  # false alarms a week


def judge_of(
    scorer: Scorer, rule: AlarmRule, budget_per_week: float, state: Path | None = None
) -> Judge:
    """Make a judge that begins with what ``state`` holds, where that file is there.

    By another budget its minutes are the same and its thresholds are not: these are fitted anew.
    Raises ``DataError`` for a budget that is none, and for a state of another bundle or rule.
    """
    if not LEAST <= budget_per_week <= MOST:
        raise DataError(
            f"{budget_per_week:g} false alarms a week are no budget; give {LEAST:g} to {MOST:g}",
            argument="budget",
        )
    stored = None if state is None else read_state(state, bundle=scorer.identity)
    if stored is None:
        return judge_going_on(scorer, rule, budget_per_week, None)
    if stored.rule != rule:
        raise DataError(
            f"{state} was learnt with alarms by {stored.rule}, not {rule}; {ANEW}",
            argument="alarm",
        )
    is_same = stored.budget_per_week == budget_per_week
    return judge_going_on(scorer, rule, budget_per_week, stored.account, is_same=is_same)


def judge_going_on(
    scorer: Scorer,
    rule: AlarmRule,
    budget_per_week: float,
    account: Account | None,
    *,
    is_same: bool = True,
    asks: bool = False,
) -> Judge:
    """Make a judge that goes on with an account, or begins without one.

    ``is_same`` says whether the account was kept by this budget: thresholds of another are fitted
    anew. ``asks`` is for where people review alarms (``Ledger``).
    """
    hop_s = timeline_hop(scorer.info.recipe) * frame_seconds(scorer.info.recipe)
    if account is not None and not is_same:
        account = replace(account, thresholds={})
    judge = Judge(rule, hop_s=hop_s, budget_per_week=budget_per_week, account=account, asks=asks)
    if not is_same and judge.ledger.stage != "learning":
        judge.ledger.refit()
    return judge


def judge_as_stored(scorer: Scorer, state: Path) -> Judge:
    """Make a judge by what a state file holds, rule and budget too; ``DataError`` without it."""
    stored = read_state(state, bundle=scorer.identity)
    if stored is None:
        raise DataError(f"there is no file {state}; listening to the machine makes one")
    return judge_of(scorer, stored.rule, stored.budget_per_week, state)
