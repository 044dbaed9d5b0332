r"""Measures how often a healthy year is called drifted, and how soon a shift is seen.

    python benchmarks/drift.py run --results benchmarks/results/drift.jsonl
    python benchmarks/drift.py table --results benchmarks/results/drift.jsonl \
        --into docs/explanation/drift.md

Ten kinds of simulated machine (budget_machines.py), ten of each, a year of M with a look after each
day. The threshold in force is that of a budget of 1, fitted on that day to the last 28 days. A
healthy machine is looked at all year; each of its changes is put on top of the same year from day
100 on, and looked for during eight weeks: all scores higher, or lower, by so many deviations of the
machine's own, at once or growing to that over the eight weeks.

Five seconds a machine and core, 10 minutes in all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from budget_machines import KINDS, days_of
from page import between
from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.minutes import MINUTES_A_DAY
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.budget.stages import KEPT_MINUTES
from rattle.scoring.drift import matters, shift_of
from rows import Row, note, noted

Values = NDArray[np.float64]

DAYS, MACHINES, SEED, BUDGET = 365, 10, 30_000, 1.0
CHANGED_ON, LOOKED_FOR = 100, 56
SHIFTS = (-1.0, 0.25, 0.5, 1.0, 2.0)
SLOW = 1.0


def main() -> None:
    """Run what is missing, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path, nargs="*", default=[], help="pages with the markers")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--machines", type=int, default=MACHINES)
    chosen = parser.parse_args()
    if chosen.verb == "run":
        note(chosen.results, chosen.kinds, range(chosen.machines), rows_of)
        return
    found = table(noted(chosen.results))
    print(found)
    for file in chosen.into:
        file.write_text(between(file.read_text(encoding="utf-8"), "drift", found))


def rows_of(kind: str, machine: int) -> Iterator[Row]:
    """One machine's year: the days on which it is called drifted, and how soon a change is seen."""
    minutes, deviation = year_of(kind, machine)
    drifts = days = goes_on = 0
    for day in range(DAYS):
        before, goes_on = goes_on, seen(minutes, day, goes_on=bool(goes_on))
        drifts, days = drifts + (goes_on > before), days + goes_on
    row: Row = {"what": kind, "seed": machine, "drifts": drifts, "days": days}
    for shift in SHIFTS:
        row[f"shift {shift:g}"] = delay(minutes, lambda ago, by=shift: by * deviation)
    grown = SLOW * deviation / LOOKED_FOR
    row["slow"] = delay(minutes, lambda ago: grown * ago)
    yield row


def year_of(kind: str, machine: int) -> tuple[Values, float]:
    """M of each minute of a year ``[T]``, and the deviation of the first day's scores."""
    rng = np.random.default_rng([SEED, list(KINDS).index(kind), machine])
    rule, deviation, last = AlarmRule(), 0.0, np.empty(0)
    minutes = []
    for scores in days_of(KINDS[kind], DAYS, rng):
        deviation = deviation or float(scores.std())
        y = rule.statistic(np.concatenate([last, scores]))[len(last) :]
        last = scores[-(rule.hops - 1) :]
        minutes.append(y.reshape(-1, 60).max(axis=1))
    return np.concatenate(minutes), deviation


def seen(minutes: Values, day: int, *, goes_on: bool = False) -> bool:
    """Whether a drift is told after the day of that number; ``goes_on`` where it was before."""
    heard = minutes[: (day + 1) * MINUTES_A_DAY]
    medians = np.median(heard.reshape(-1, MINUTES_A_DAY), axis=1)
    shift = shift_of(medians, goes_on=goes_on)
    tail = None if shift is None else Tail.of(heard[-KEPT_MINUTES:])
    if shift is None or tail is None:
        return False
    return matters(tail, tail.threshold(BUDGET).value, shift, goes_on=goes_on)


def delay(minutes: Values, by: Callable[[int], float]) -> int | None:
    """Days from a change to when it is told; None where that takes more than eight weeks.

    ``by`` gives how much higher the scores are on a day, so many days after the change.
    """
    changed = minutes.copy().reshape(-1, MINUTES_A_DAY)
    for ago in range(LOOKED_FOR):
        changed[CHANGED_ON + ago] += by(ago + 1)
        if seen(changed.ravel(), CHANGED_ON + ago):
            return ago + 1
    return None


def table(rows: Sequence[Row]) -> str:
    """Markdown: by kind, healthy years and days called drifted; how soon changes are seen."""
    changes = [f"shift {shift:g}" for shift in SHIFTS] + ["slow"]
    heads = [f"{shift:+g} dev.".replace("-", "−") for shift in SHIFTS] + ["slow, +1"]
    lines = [
        "| kind of machine | machine-years | years with a drift | drifts a year | days drifted | "
        + " | ".join(heads)
        + " |",
        "|---|---:|---:|---:|---:|" + "---:|" * len(heads),
    ]
    for kind in KINDS:
        of = [row for row in rows if row["what"] == kind]
        if not of:
            continue
        drifts = np.array([row["drifts"] for row in of])
        days = np.array([row["days"] for row in of]) / DAYS
        cells = [_soon([row[change] for row in of]) for change in changes]
        lines.append(
            f"| {kind} | {len(of)} | {(drifts > 0).mean():.0%} | {drifts.mean():.1f} | "
            f"{days.mean():.1%} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def _soon(delays: Sequence[int | None]) -> str:
    known = [each for each in delays if each is not None]
    if not known:
        return "not seen"
    share = "" if len(known) == len(delays) else f" ({len(known) / len(delays):.0%} seen)"
    return f"{np.median(known):.0f} d{share}"


if __name__ == "__main__":
    main()
