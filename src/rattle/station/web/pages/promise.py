"""Say what a machine's thresholds promise, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rattle.pages.words import counted
from rattle.scoring.budget.ledger import SHARES, Level
from rattle.scoring.budget.stages import LEARNT_AFTER_MINUTES, SETTLED_AFTER_MINUTES
from rattle.station.amounts_said import MINUTE_S, rate_said, score_said, span_said
from rattle.station.board import SourceNow
from rattle.station.store.reading.plant import FalseIncidents
from rattle.station.store.reading.views import ThresholdView


@dataclass(frozen=True)
class Kept:
    """A level's promise beside what came; figures in words.

    threshold, margin: of one source. expected, upper, and what came: of the machine, all its
    sources together, as its budget is.
    """

    level: Level
    threshold: str
    expected: str
    upper: str
    budget: str
    week: int
    four_weeks: int
    four_weeks_budget: str
    margin: str


@dataclass(frozen=True)
class Promise:
    """How far learning has come, and each level's promise, the alarm's first."""

    stage: str
    stage_means: str
    heard: str
    levels: list[Kept]
    sentence: str


def promise(
    source: SourceNow,
    newest: Mapping[Level, ThresholdView],
    of_all: Sequence[Mapping[Level, ThresholdView]],
    had: Mapping[Level, FalseIncidents],
    budget_per_week: float,
) -> Promise:
    """Set the newest threshold of each level beside what came of it.

    ``of_all`` are the newest of every source of the machine. ``had`` counts incidents of a level
    that were not found to be a fault.
    """
    levels = [
        _kept(
            level,
            newest[level],
            _together(level, of_all),
            had[level],
            SHARES[level] * budget_per_week,
        )
        for level in reversed(SHARES)
        if level in newest
    ]
    return Promise(
        stage=source.stage,
        stage_means=_stage_means(source),
        heard=span_said(source.minutes * MINUTE_S),
        levels=levels,
        sentence=_sentence(had["alarm"], budget_per_week),
    )


def _kept(
    level: Level,
    threshold: ThresholdView,
    rates: tuple[float | None, float | None],
    had: FalseIncidents,
    budget_per_week: float,
) -> Kept:
    expected, upper = rates
    return Kept(
        level=level,
        threshold=score_said(threshold.value),
        expected=rate_said(expected),
        upper=rate_said(upper),
        budget=rate_said(budget_per_week),
        week=had.week,
        four_weeks=had.four_weeks,
        four_weeks_budget=f"{4 * budget_per_week:.3g}",
        margin=score_said(threshold.margin),
    )


def _together(
    level: Level, of_all: Sequence[Mapping[Level, ThresholdView]]
) -> tuple[float | None, float | None]:
    """Add up what a machine's sources are expected to give, and its bound; None where not known."""
    held = [newest[level] for newest in of_all if level in newest]
    if len(held) < len(of_all):
        return None, None
    return sum(each.expected for each in held), sum(each.upper for each in held)


def _stage_means(source: SourceNow) -> str:
    match source.stage:
        case "learning":
            left = counted(LEARNT_AFTER_MINUTES - source.minutes, "minute")
            return f"No alarm is raised until {left} more of running sound were heard."
        case "provisional":
            left = span_said((SETTLED_AFTER_MINUTES - source.minutes) * MINUTE_S)
            return f"The thresholds may still move much, until {left} more were heard."
        case _:
            return "A week or more of running sound was heard."


def _sentence(had: FalseIncidents, budget_per_week: float) -> str:
    said = f"{counted(had.four_weeks, 'alarm')} in 28 days that nobody confirmed"
    return f"{said}, budget {4 * budget_per_week:.3g}"
