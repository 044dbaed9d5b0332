r"""Lets a station hear a week of SYNTHETIC machines, faster than real time, and then their faults.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/week.py hear --bundles KIT --heard WEEK --machines "Feed pump 1"
    ...                                              (each machine; one core each, some 45 minutes)
    python benchmarks/week.py judge --bundles KIT --heard WEEK \
        --results benchmarks/results/week.jsonl                              (some ten minutes)
    python benchmarks/week.py table --results benchmarks/results/week.jsonl \
        --page docs/explanation/station.md
    python benchmarks/demo_kit.py pack KIT WEEK

The machines are those of `rattle station --demo`: healthy for the whole week, switched off and on
every five minutes, each time at a speed of its own. What is heard goes through the station's ear.
``hear`` and ``judge`` with ``--seed 2`` and another folder give another week, whose rows stand
beside. Minutes do not depend on any threshold, so they are heard once and judged twice by the
station's judge, with a budget of one false alarm a week: *reviewed*, someone says of every alarm
within the hour that it was normal; else nobody says anything, and no threshold rises above an alarm
that waits for a review. After the week each fault of the machine's type is heard once, for a
minute, by an ear that knows what the week's ear knew: is there an incident? The false alarms that
came stand beside those that the page said were to be expected.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from page import between
from rattle.listening.judging import judge_going_on
from rattle.listening.source import Block
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import LEVELS, Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.demo.machines import MACHINES, SEED, DemoMachine
from rattle.station.demo.sound import RATE_HZ, RUN_S, Fault, MachineSound
from rattle.station.events import Hub
from rattle.station.hear.ear import Ear, Outputs
from rattle.station.hear.in_use import InUse
from rattle.station.hear.operating import Always
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.records import (
    IncidentChanged,
    MinuteHeard,
    Record,
    StretchChanged,
    ThresholdFitted,
)
from rattle.synthetic import FAULTS_OF_TYPE, colour
from rows import Row, noted

Values = NDArray[np.float64]

BUDGET = 1.0  # false alarms a week
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
BLOCK_S = 10
FAULT_FROM_S, FAULT_S, LISTENED_S = 60.0, 60.0, 150
SEVERITIES = (0.6, 1.0)


class Told:
    """A station of one machine, and what it told."""

    def __init__(self, machine: DemoMachine) -> None:
        self.told: list[Record] = []
        self.board, self.hub = Board(), Hub()
        source = SourceNow("source", "source", "machine", "url", "synthetic")
        self.board.add(MachineNow("machine", machine.name, BUDGET, "always", "release", (source,)))

    def judge(self, judge: Judge) -> SourceJudge:
        """The station's judge of the machine's source."""
        incidents = MachineIncidents(
            "machine", tell=self.told.append, board=self.board, hub=self.hub
        )
        return SourceJudge("source", "release", judge, incidents, tell=self.told.append)

    def ear(self, scorer: Scorer, account: Account | None = None) -> Ear:
        """The station's ear of it, which knows what stands in the account."""
        judge = judge_going_on(scorer, AlarmRule(), BUDGET, account, asks=True)
        troubles = SourceTroubles("source", "machine", tell=self.told.append)
        out = Outputs(self.told.append, self.board, self.hub)
        in_use = InUse("release", scorer)
        return Ear("source", "machine", in_use, self.judge(judge), Always(), troubles, out)

    def take(self, kind: type[Any]) -> list[Any]:
        """What was told of a kind."""
        return [record for record in self.told if isinstance(record, kind)]


def hear(ear: Ear, sound: MachineSound, start_s: float, end_s: float) -> None:
    """Hear the sound between two times of the week."""
    for at_s in np.arange(start_s, end_s, BLOCK_S).tolist():
        samples = sound.between(at_s, at_s + BLOCK_S)
        ear.push(Block(samples[:, None], RATE_HZ), BEGIN + timedelta(seconds=at_s + BLOCK_S))


def minutes_of(machine: DemoMachine, scorer: Scorer, days: float, seed: int) -> Values:
    """M of each minute of a machine's time ``[T]``."""
    station = Told(machine)
    ear, sound = station.ear(scorer), MachineSound(machine.specimen, seed)
    colour.LONGEST_REMEMBERED = RUN_S * RATE_HZ  # thousands of runs of one length: 115 MB for gains
    minutes: list[float] = []
    began = time.process_time()
    seconds = round(days * 86_400)
    for hour_s in range(0, seconds, 3600):
        hear(ear, sound, hour_s, min(hour_s + 3600, seconds))
        minutes += [m for each in station.take(MinuteHeard) for m in each.minutes]
        station.told.clear()
        speed = (hour_s + 3600) / (time.process_time() - began)
        print(f"{machine.name}: {hour_s // 3600 + 1} h, {speed:.0f} times real time", flush=True)
    return np.array(minutes)


def judged(machine: DemoMachine, scorer: Scorer, minutes: Values, *, reviewed: bool) -> Row:
    """The row of a machine: what came, what was expected, and which faults are found then."""
    station = Told(machine)
    # A hop is a minute here, of which Y is M.
    judge = station.judge(Judge(AlarmRule(1, 1), hop_s=60, budget_per_week=BUDGET, asks=True))
    for number, highest in enumerate(minutes.tolist(), start=1):
        at = BEGIN + timedelta(minutes=number)
        judge.window(highest, at, np.empty(0, np.float32))
        for each in judge.ledger.incidents if reviewed and number % 60 == 0 else ():
            if each.level == "alarm" and each.verdict is None:
                judge.review("alarm", each.first, "normal", at)
    stretches = {(each.level, each.first) for each in station.take(StretchChanged)}
    thresholds = station.take(ThresholdFitted)
    last = {each.level: each for each in thresholds}
    heard = timedelta(minutes=len(minutes))
    return {
        "machine": machine.name,
        "days": round(heard / timedelta(days=1), 1),
        "reviewed": reviewed,
        "came": {level: sum(key[0] == level for key in stretches) for level in LEVELS},
        "expected": {level: round(expected_of(thresholds, level, heard), 2) for level in LEVELS},
        "rate_now": {
            level: [round(of.expected, 2), round(of.upper, 2)] for level, of in last.items()
        },
        "thresholds": {level: round(of.value, 5) for level, of in last.items()},
        "highest_minute": round(float(minutes.max()), 5),
        "faults": faults_of(machine, scorer, judge.ledger.account(), heard),
    }


def expected_of(thresholds: list[ThresholdFitted], level: str, heard: timedelta) -> float:
    """Incidents that were to be expected, by each threshold for as long as it stood."""
    of_level = [each for each in thresholds if each.level == level]
    ends = [each.active_from for each in of_level[1:]] + [BEGIN + heard]
    return sum(
        each.expected * ((end - each.active_from) / timedelta(weeks=1))
        for each, end in zip(of_level, ends, strict=True)
    )


def faults_of(
    machine: DemoMachine, scorer: Scorer, account: Account, heard: timedelta
) -> dict[str, dict[str, float | None]]:
    """Seconds from each fault's beginning to the incident of each level; None without one."""
    start_s = heard.total_seconds() + 600  # the week's last incident, if any, is over
    found: dict[str, dict[str, float | None]] = {}
    for kind in FAULTS_OF_TYPE[machine.type]:
        for severity in SEVERITIES:
            begins = start_s + FAULT_FROM_S
            fault = Fault(kind, severity, begins, begins + FAULT_S)
            station = Told(machine)
            ear = station.ear(scorer, account)
            sound = MachineSound(machine.specimen, SEED, [fault])
            hear(ear, sound, start_s, start_s + LISTENED_S)
            after: dict[str, float | None] = {"watch": None, "alarm": None}
            for each in station.take(IncidentChanged):
                at = each.opened if each.level == "watch" else each.peak_at or each.opened
                since_s = (at - BEGIN).total_seconds() - begins
                if after[each.level] is None and since_s > 0:
                    after[each.level] = round(since_s, 1)
            found[f"{kind} {severity:g}"] = after
    return found


HEADS = (
    "machine",
    "week",
    "days",
    "alarms reviewed",
    "false alarms: came",
    "expected",
    "watches: came",
    "expected",
    "alarms a week by the last threshold",
    "upper bound",
    "faults found by alarm",
    "by watch",
)


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: what came beside what was expected, and the faults."""
    lines = [f"| {' | '.join(HEADS)} |", "|---|---:|---:|---" + "|---:" * (len(HEADS) - 4) + "|"]
    for row in rows:
        faults = row["faults"].values()
        by_alarm = sum(each["alarm"] is not None for each in faults)
        by_any = sum(each["alarm"] is not None or each["watch"] is not None for each in faults)
        now = row["rate_now"]["alarm"]
        lines.append(
            f"| {row['machine']} | {row['week']} | {row['days']:g} "
            f"| {'yes' if row['reviewed'] else 'no'} "
            f"| {row['came']['alarm']} | {row['expected']['alarm']} "
            f"| {row['came']['watch']} | {row['expected']['watch']} | {now[0]} | {now[1]} "
            f"| {by_alarm} of {len(faults)} | {by_any} of {len(faults)} |"
        )
    return "\n".join([*lines, "", *_sums(rows)])


def _sums(rows: list[dict[str, Any]]) -> list[str]:
    """All machines together, against their budgets."""
    lines = [
        "| alarms reviewed | machines' weeks | budget | false alarms: came | expected "
        "| watches: came | expected | faults found by alarm | by watch |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for reviewed in (False, True):
        own = [row for row in rows if row["reviewed"] == reviewed]
        faults = [each for row in own for each in row["faults"].values()]
        by_alarm = sum(each["alarm"] is not None for each in faults)
        by_any = sum(each["alarm"] is not None or each["watch"] is not None for each in faults)
        weeks = sum(row["days"] for row in own) / 7
        cells = [f"{weeks:g}", f"{weeks * BUDGET:g}"]
        for level in ("alarm", "watch"):
            came = sum(row["came"][level] for row in own)
            cells += [str(came), f"{sum(row['expected'][level] for row in own):.1f}"]
        cells += [f"{by_alarm} of {len(faults)}", f"{by_any} of {len(faults)}"]
        lines.append(f"| {'yes' if reviewed else 'no'} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["hear", "judge", "table"])
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--heard", type=Path, help="folder for the minutes")
    names = [machine.name for machine in MACHINES]
    parser.add_argument("--machines", nargs="+", choices=names, default=names)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seed", type=int, default=SEED, help="another one is another week")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "table":
        text = table(noted(chosen.results))
        print(text)
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(between(page, "week", text))
        return
    rows = []
    for machine in MACHINES:
        if machine.name not in chosen.machines:
            continue
        scorer = Scorer.load(chosen.bundles / f"{machine.name}.rattle")
        file = chosen.heard / f"{machine.name}.safetensors"
        if chosen.verb == "hear":
            chosen.heard.mkdir(parents=True, exist_ok=True)
            minutes = minutes_of(machine, scorer, chosen.days, chosen.seed)
            save_file({machine.name: minutes.astype(np.float32)}, file)
            continue
        minutes = load_file(file)[machine.name].astype(np.float64)
        for reviewed in (False, True):
            row = judged(machine, scorer, minutes, reviewed=reviewed)
            rows.append({"week": chosen.seed} | row)
            print(json.dumps(rows[-1]), flush=True)
    if chosen.verb == "judge":
        others = noted(chosen.results) if chosen.results.exists() else []
        others = [row for row in others if row["week"] != chosen.seed]
        text = "".join(f"{json.dumps(row)}\n" for row in [*others, *rows])
        chosen.results.write_text(text)


if __name__ == "__main__":
    main()
