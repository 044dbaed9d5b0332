"""Put a budget's thresholds and stages into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rattle.scoring.budget.minutes import MINUTES_A_DAY, MINUTES_AN_HOUR
from rattle.scoring.budget.stages import LEARNT_AFTER_MINUTES

if TYPE_CHECKING:
    from rattle.scoring.budget.fit import BudgetThreshold
    from rattle.scoring.budget.judge import Judge
    from rattle.scoring.budget.ledger import Ledger, Level

NAMES: dict[Level, str] = {"watch": "watch", "alarm": "ALARM"}
FORGETS = "; what is learnt is forgotten at the end (--state FILE keeps it)"


def first_line(judge: Judge, *, is_kept: bool) -> str:
    """Say what stage listening begins in, and what it will do."""
    ledger = judge.ledger
    forgets = "" if is_kept else FORGETS
    if ledger.stage != "learning":
        return f"{stage_words(ledger)}; {thresholds_words(ledger)}{forgets}"
    left = LEARNT_AFTER_MINUTES - ledger.heard
    return (
        f"learning: no alarm is raised until {duration(left)} more of running were heard, "
        f"ANOMALOUS is by the threshold of clips{forgets}"
    )


def thresholds_words(ledger: Ledger) -> str:
    """Say from which level on there is an alarm or a watch, and how often that will be false."""
    alarm, watch = (ledger.thresholds.get(level) for level in ("alarm", "watch"))
    if alarm is None or watch is None:
        return "no alarm is raised: all minutes heard are alike, so no threshold can be found"
    return f"alarm above {alarm.value:.4g} ({how_often(alarm)}), watch above {watch.value:.4g}"


def raised_line(judge: Judge, level: Level) -> str:
    """Say what was passed, and how often a healthy machine does that."""
    ledger, rule = judge.ledger, judge.rule
    threshold = ledger.thresholds[level]
    return (
        f"{NAMES[level]}: {rule.passes} of the last {rule.hops} windows above "
        f"{threshold.value:.4g} ({how_often(threshold)}; {stage_words(ledger)})"
    )


def how_often(threshold: BudgetThreshold) -> str:
    """Say how often a healthy machine passes it, in words."""
    return (
        f"a healthy machine passes it about {times(threshold.expected_per_week)} a week, "
        f"at most {threshold.upper_per_week:.1f}"
    )


def stage_words(ledger: Ledger) -> str:
    """Name the stage and what was heard: ``provisional: 1.4 days heard``."""
    return f"{ledger.stage}: {duration(ledger.heard)} heard"


def times(count: float) -> str:
    return f"{count:.1f} times"


def duration(minutes: int) -> str:
    """Write minutes of running: ``45 min``, ``3.2 h``, ``1.4 days``.

    >>> duration(120)
    '2 h'
    """
    if minutes < MINUTES_AN_HOUR:
        return f"{minutes} min"
    if minutes < MINUTES_A_DAY:
        return f"{round(minutes / MINUTES_AN_HOUR, 1):g} h"
    return f"{round(minutes / MINUTES_A_DAY, 1):g} days"
