r"""Lets a station hear a week of SYNTHETIC machines, faster than real time, and then their faults.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/week.py run --bundles KIT --machine "Feed pump 1" --into WEEK \
        --results benchmarks/results/week.jsonl
    ...                                              (each machine; one core each, some 30 minutes)
    python benchmarks/week.py table --results benchmarks/results/week.jsonl \
        --page docs/explanation/station.md
    python benchmarks/demo_kit.py pack KIT WEEK

The machines are those of `rattle station --demo`: healthy for the whole week, switched off and on
every five minutes, each time at a speed of its own. What is heard goes through the station's ear,
minute by minute, with a budget of one false alarm a week. With --reviewed someone says of every
alarm within the hour that it was normal; without, nobody says anything, and no threshold rises
above an alarm that waits for a review. After the week each fault of the
machine's type is heard once, for a minute, by an ear that knows what the week's ear knew: is there
an incident? The false alarms that came stand beside those that the page said were to be expected.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from page import between
from rattle.listening.source import Block
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.ledger import Account
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.config.model import Machine
from rattle.station.demo.machines import MACHINES, SEED, DemoMachine
from rattle.station.demo.sound import RATE_HZ, Fault, MachineSound
from rattle.station.events import Hub
from rattle.station.hear.ear import Ear, InUse, Outputs
from rattle.station.hear.operating import Always
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.making import judge_of_source
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.records import (
    IncidentChanged,
    MinuteHeard,
    Record,
    StretchChanged,
    ThresholdFitted,
)
from rattle.synthetic import FAULTS_OF_TYPE
from rows import noted

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
BLOCK_S = 10
WEEK_S = 7 * 86_400
FAULT_FROM_S, FAULT_S, LISTENED_S = 60.0, 60.0, 150
SEVERITIES = (0.6, 1.0)


class Heard:
    """An ear of one machine, and what it told."""

    def __init__(
        self, machine: DemoMachine, scorer: Scorer, account: Account | None = None
    ) -> None:
        self.told: list[Record] = []
        board, hub = Board(), Hub()
        source = SourceNow("source", "source", "machine", "url", "synthetic")
        board.add(MachineNow("machine", machine.name, 1.0, "always", "release", (source,)))
        settings = Machine.model_validate(
            {"name": machine.name, "bundle": "x", "sources": [{"name": "s", "url": "synthetic"}]}
        )
        self.judge = judge_of_source(scorer, settings, account)
        incidents = MachineIncidents("machine", tell=self.told.append, board=board, hub=hub)
        judge = SourceJudge("source", "release", self.judge, incidents, tell=self.told.append)
        troubles = SourceTroubles("source", "machine", tell=self.told.append)
        out = Outputs(self.told.append, board, hub)
        self.ear = Ear(
            "source", "machine", InUse("release", scorer), judge, Always(), troubles, out
        )

    def hear(self, sound: MachineSound, start_s: float, end_s: float) -> None:
        """Hear the sound between two times of the week."""
        for at_s in np.arange(start_s, end_s, BLOCK_S).tolist():
            samples = sound.between(at_s, at_s + BLOCK_S)
            at = BEGIN + timedelta(seconds=at_s + BLOCK_S)
            self.ear.push(Block(samples[:, None], RATE_HZ), at)

    def of(self, kind: type[Any]) -> Iterator[Any]:
        return (record for record in self.told if isinstance(record, kind))


def week(
    machine: DemoMachine, bundle: Path, days: float, *, reviewed: bool
) -> tuple[dict[str, Any], np.ndarray]:
    """The row of a machine, and M of each minute of its week."""
    scorer = Scorer.load(bundle)
    heard = Heard(machine, scorer)
    sound = MachineSound(machine.specimen, SEED)
    minutes: list[float] = []
    incidents: dict[str, IncidentChanged] = {}
    stretches: dict[tuple[str, int], StretchChanged] = {}
    thresholds: list[ThresholdFitted] = []
    began = time.process_time()
    seconds = round(days * 86_400)
    for hour_s in range(0, seconds, 3600):
        heard.hear(sound, hour_s, min(hour_s + 3600, seconds))
        minutes += [m for each in heard.of(MinuteHeard) for m in each.minutes]
        incidents |= {each.id: each for each in heard.of(IncidentChanged)}
        stretches |= {(each.level, each.first): each for each in heard.of(StretchChanged)}
        for each in heard.judge.ledger.incidents:
            if reviewed and each.level == "alarm" and each.verdict is None:
                at = BEGIN + timedelta(seconds=hour_s + 3600)
                heard.ear.review(each.first, "normal", at)
        thresholds += heard.of(ThresholdFitted)
        heard.told.clear()
        if hour_s % 21_600 == 0:
            speed = (hour_s + 3600) / (time.process_time() - began)
            print(
                machine.name,
                f"{hour_s // 3600 + 1} h,",
                f"{speed:.0f} times,",
                [(each.level, each.first) for each in stretches.values()],
                flush=True,
            )
    cpu_s = time.process_time() - began
    account = heard.judge.ledger.account()
    last = {each.level: each for each in thresholds}
    row = {
        "machine": machine.name,
        "days": days,
        "reviewed": reviewed,
        "times_real_time": round(seconds / cpu_s, 1),
        "came": {level: sum(key[0] == level for key in stretches) for level in ("alarm", "watch")},
        "expected": {
            level: round(expected_of(thresholds, level, seconds), 2) for level in ("alarm", "watch")
        },
        "rate_now": {
            level: [round(of.expected, 2), round(of.upper, 2)] for level, of in last.items()
        },
        "thresholds": {level: round(of.value, 5) for level, of in last.items()},
        "highest_minute": round(max(minutes), 5),
        "faults": faults_of(machine, scorer, account, seconds),
    }
    return row, np.array(minutes, np.float32)


def expected_of(thresholds: list[ThresholdFitted], level: str, seconds: int) -> float:
    """Incidents that were to be expected, by each threshold for as long as it stood."""
    of_level = [each for each in thresholds if each.level == level]
    ends = [each.active_from for each in of_level[1:]] + [BEGIN + timedelta(seconds=seconds)]
    return sum(
        each.expected * (end - each.active_from) / timedelta(weeks=1)
        for each, end in zip(of_level, ends, strict=True)
    )


def faults_of(
    machine: DemoMachine, scorer: Scorer, account: Account, after_s: int
) -> dict[str, dict[str, float | None]]:
    """Seconds from each fault's beginning to the incident of each level; None without one."""
    start_s = after_s + 600  # the week's last incident, if any, is over
    found: dict[str, dict[str, float | None]] = {}
    for kind in FAULTS_OF_TYPE[machine.type]:
        for severity in SEVERITIES:
            begins = start_s + FAULT_FROM_S
            fault = Fault(kind, severity, begins, begins + FAULT_S)
            heard = Heard(machine, scorer, account)
            heard.hear(MachineSound(machine.specimen, SEED, [fault]), start_s, start_s + LISTENED_S)
            after: dict[str, float | None] = {"watch": None, "alarm": None}
            for each in heard.of(IncidentChanged):
                at = each.opened if each.level == "watch" else each.peak_at or each.opened
                since_s = (at - BEGIN).total_seconds() - begins
                if after[each.level] is None and since_s > 0:
                    after[each.level] = round(since_s, 1)
            found[f"{kind} {severity:g}"] = after
    return found


HEADS = (
    "machine",
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
    lines = [f"| {' | '.join(HEADS)} |", "|---|---:|---" + "|---:" * (len(HEADS) - 3) + "|"]
    for row in rows:
        faults = row["faults"].values()
        by_alarm = sum(each["alarm"] is not None for each in faults)
        by_any = sum(each["alarm"] is not None or each["watch"] is not None for each in faults)
        now = row["rate_now"]["alarm"]
        lines.append(
            f"| {row['machine']} | {row['days']:g} | {'yes' if row['reviewed'] else 'no'} "
            f"| {row['came']['alarm']} | {row['expected']['alarm']} "
            f"| {row['came']['watch']} | {row['expected']['watch']} | {now[0]} | {now[1]} "
            f"| {by_alarm} of {len(faults)} | {by_any} of {len(faults)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--machine", choices=[each.name for each in MACHINES])
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--reviewed", action="store_true")
    parser.add_argument("--into", type=Path, help="folder for the minutes")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "run":
        chosen.into.mkdir(parents=True, exist_ok=True)
        machine = next(each for each in MACHINES if each.name == chosen.machine)
        bundle = chosen.bundles / f"{machine.name}.rattle"
        row, minutes = week(machine, bundle, chosen.days, reviewed=chosen.reviewed)
        save_file({machine.name: minutes}, chosen.into / f"{machine.name}.safetensors")
        with chosen.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row, indent=1))
        return
    text = table(noted(chosen.results))
    print(text)
    if chosen.page:
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(between(page, "week", text))


if __name__ == "__main__":
    main()
