r"""Measures false alarms a week, and what is found, of simulated machines that keep to a budget.

    python benchmarks/budget.py run --results benchmarks/results/budget.jsonl
    python benchmarks/budget.py table --results benchmarks/results/budget.jsonl \
        --into docs/explanation/budget.md

Ten kinds of machine (budget_machines.py), 40 of each, nine weeks from the first minute, with a
budget of one false alarm a week. The scores of each second go through the statistic, the minutes
and the ledger that rattle listen uses. No machine has a fault, so every alarm is a false one. A
fault is tried on each hour: all its scores are higher by so many deviations of the machine's own.
``reviewed`` is a machine whose alarms a person rejects each night.

Settings were chosen on other seeds (777). Two seconds a machine and core, 10 minutes in all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from budget_machines import KINDS, days_of
from page import between
from rattle.scoring.budget.ledger import LEVELS, Ledger
from rattle.scoring.budget.minutes import MINUTES_A_DAY, MINUTES_A_WEEK, incidents
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.budget.stages import LEARNT_AFTER_MINUTES
from rattle.scoring.threshold import fit_threshold
from rows import Row, note, noted

Values = NDArray[np.float64]

WEEKS = 9
MACHINES = 40
SEED = 20_000
BUDGET = 1.0
STRENGTHS = (1, 2, 3, 5)  # of a fault, in deviations of the machine's scores
# When a fault is tried: from and to which hour.
PERIODS = {"day 1": (3, 24), "days 2 to 7": (24, 168), "weeks 5 to 9": (4 * 168, WEEKS * 168)}
CLIPS, CLIP_WINDOWS = 100, 3  # of training: 10 s hold three windows of 8 s


def heard(kind: str, machine: int) -> tuple[Values, float, float]:
    """M of nine weeks ``[T]``, and the deviation and the clip threshold of the day before them."""
    rng = np.random.default_rng([SEED, list(KINDS).index(kind), machine])
    rule = AlarmRule()
    days = days_of(KINDS[kind], 7 * WEEKS + 1, rng)
    trained = next(days)
    starts = rng.integers(len(trained) - CLIP_WINDOWS, size=CLIPS)
    clips = trained[starts[:, None] + np.arange(CLIP_WINDOWS)].mean(axis=1)
    last = trained[-(rule.hops - 1) :]
    minutes = []
    for scores in days:
        y = rule.statistic(np.concatenate([last, scores]))[rule.hops - 1 :]
        last = scores[-(rule.hops - 1) :]
        minutes.append(y.reshape(-1, 60).max(axis=1))
    return np.concatenate(minutes), float(trained.std()), fit_threshold(clips, 0.05).value


def listened(minutes: Values, reviewed: bool) -> tuple[dict[str, list[int]], dict[str, Values]]:
    """The minutes at which incidents began, and the thresholds at each minute, by level."""
    ledger = Ledger(BUDGET)
    began: dict[str, list[int]] = {level: [] for level in LEVELS}
    thresholds = {level: np.full(len(minutes), np.inf) for level in LEVELS}
    for number, highest in enumerate(minutes):
        for level in LEVELS:
            if level in ledger.thresholds:
                thresholds[level][number] = ledger.thresholds[level].value
            was_open = ledger.is_open(level)
            if ledger.passed(level, float(highest)) and not was_open:
                began[level].append(number)
        ledger.minute(float(highest))
        if reviewed and (number + 1) % MINUTES_A_DAY == 0:
            for incident in ledger.incidents:
                if incident.level == "alarm" and incident.verdict is None:
                    ledger.review(incident.first, "normal")
    return began, thresholds


def rows_of(kind: str, machine: int) -> Iterator[Row]:
    minutes, deviation, clip_threshold = heard(kind, machine)
    hours = minutes.reshape(-1, 60)
    for way in ("alone", "reviewed"):
        began, thresholds = listened(minutes, way == "reviewed")
        row: Row = {"what": kind, "seed": machine, "way": way}
        for level in LEVELS:
            row[level] = np.bincount(
                np.asarray(began[level], np.int64) // MINUTES_A_WEEK, minlength=WEEKS
            ).tolist()
        row["clip"] = round(len(incidents(minutes, clip_threshold)[0]) / WEEKS, 2)
        levels = {level: of.reshape(-1, 60) for level, of in thresholds.items()}
        levels["clip"] = np.full(hours.shape, clip_threshold)
        row["found"] = {
            period: {
                level: [
                    round(float((hours + s * deviation > of)[first:last].any(axis=1).mean()), 4)
                    for s in STRENGTHS
                ]
                for level, of in levels.items()
            }
            for period, (first, last) in PERIODS.items()
        }
        yield row


def false_alarms(rows: Sequence[Row]) -> str:
    """Markdown: false incidents a week by kind, and how many machines have more."""
    lines = [
        "| kind of machine | way | machines | alarms a week | week 1 | weeks 5 to 9 | "
        "machines above 1 | above 2 | watch a week | clip threshold |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    listening_weeks = WEEKS - LEARNT_AFTER_MINUTES / MINUTES_A_WEEK
    for way in ("alone", "reviewed"):
        for kind in KINDS:
            of = [row for row in rows if row["what"] == kind and row["way"] == way]
            if not of:
                continue
            alarms = np.array([row["alarm"] for row in of])
            each = alarms.sum(axis=1) / listening_weeks
            watch = np.array([row["watch"] for row in of]).sum(axis=1) / listening_weeks
            clip = np.mean([row["clip"] for row in of])
            lines.append(
                f"| {kind} | {way} | {len(of)} | {each.mean():.2f} | "
                f"{alarms[:, 0].mean():.2f} | {alarms[:, 4:].mean():.2f} | "
                f"{(each > 1).mean():.0%} | {(each > 2).mean():.0%} | "
                f"{watch.mean():.1f} | {clip:.0f} |"
            )
    return "\n".join(lines)


def detection(rows: Sequence[Row]) -> str:
    """Markdown: the share of faults found within an hour, by kind, time, level and strength."""
    lines = [
        "| kind of machine | when | "
        + " | ".join(f"alarm, {s}" for s in STRENGTHS)
        + " | "
        + " | ".join(f"watch, {s}" for s in STRENGTHS)
        + " | "
        + " | ".join(f"clip, {s}" for s in STRENGTHS)
        + " |",
        "|---|---|" + "---:|" * (3 * len(STRENGTHS)),
    ]
    for kind in KINDS:
        of = [row for row in rows if row["what"] == kind and row["way"] == "alone"]
        for period in PERIODS if of else ():
            cells = [
                f"{np.mean([row['found'][period][level][place] for row in of]):.0%}"
                for level in ("alarm", "watch", "clip")
                for place in range(len(STRENGTHS))
            ]
            lines.append(f"| {kind} | {period} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
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
    rows = noted(chosen.results)
    tables = {"budget": false_alarms(rows), "budget-found": detection(rows)}
    print("\n\n".join(tables.values()))
    for file in chosen.into:
        page = file.read_text(encoding="utf-8")
        for name, table in tables.items():
            page = between(page, name, table)
        file.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
