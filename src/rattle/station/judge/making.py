"""Make the judge of a source: its share of the machine's budget, and what was stored."""

from __future__ import annotations

from rattle.listening.judging import judge_going_on
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.config.model import Machine


def judge_of_source(
    scorer: Scorer, machine: Machine, account: Account | None = None, *, is_same: bool = True
) -> Judge:
    """Make the judge of one of a machine's sources.

    ``account`` is what was stored of the source by this bundle; ``is_same`` says whether by the
    same budget, or thresholds are fitted anew.
    """
    rule, budget_per_week = AlarmRule.parse(machine.alarm), share_of(machine)
    return judge_going_on(scorer, rule, budget_per_week, account, is_same=is_same, asks=True)


def share_of(machine: Machine) -> float:
    """Say how many false alarms a week each of its sources may have: all have the same."""
    return machine.false_alarms_per_week / len(machine.sources)
