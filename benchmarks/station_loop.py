r"""Walks the whole loop of a station on a SYNTHETIC machine, faster than real time.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/station_loop.py run --bundles KIT \
        --results benchmarks/results/station_loop.jsonl              (some ten minutes a machine)
    python benchmarks/station_loop.py table --results benchmarks/results/station_loop.jsonl \
        --page docs/explanation/learning.md

A real station, with its threads, database and files, hears a machine of the demo from a source that
gives its sound as fast as it can be judged. It is healthy but for one minute in each half hour from
the fourth hour on: every fault of its type in turn, at severities 0.6 and 1. After each round of
all of them someone confirms every incident in whose time there was a fault, and rejects the others.
The head that is offered then is promoted, whatever its gate says; what the gate said stands beside
what the next round brings. The same is done once more by a station whose heads nobody promotes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import func, select

from page import between
from rattle.listening.source import Block
from rattle.station.config.model import Plant as PlantFile
from rattle.station.demo.machines import MACHINES, SEED, DemoMachine
from rattle.station.demo.sound import RATE_HZ, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store import reviews
from rattle.station.store.tables import IncidentRow, MinuteRow, ReleaseRow
from rattle.synthetic import FAULTS_OF_TYPE
from rows import Row, noted

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
BLOCK_S = 10
HEALTHY_S, EVERY_S, FAULT_S = 3 * 3600, 1800, 60
SEVERITIES = (0.6, 1.0)
ROUNDS = 3
WAIT_S = 600.0


@dataclass
class Tape:
    """A source that gives a machine's sound up to ``until_s``, dated, as fast as it is taken."""

    name: str
    sound: MachineSound
    until_s: float = 0.0
    live: bool = field(default=False, init=False)
    heard_s: float = field(default=0.0, init=False)

    def connect(self) -> Tape:
        self._closed = Event()
        return self

    def close(self) -> None:
        self._closed.set()

    def blocks(self) -> Iterator[Block]:
        while not self._closed.is_set():
            if self.heard_s >= self.until_s:
                self._closed.wait(0.05)
                continue
            samples = self.sound.between(self.heard_s, self.heard_s + BLOCK_S)
            self.heard_s += BLOCK_S
            yield Block(samples[:, None], RATE_HZ, at=BEGIN + timedelta(seconds=self.heard_s))

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.heard_s)


def faults_of(machine: DemoMachine) -> list[Fault]:
    """Every fault of the machine's type, round by round."""
    kinds = [(kind, much) for much in SEVERITIES for kind in FAULTS_OF_TYPE[machine.type]]
    faults = []
    for number, (kind, much) in enumerate(kinds * ROUNDS):
        begins = HEALTHY_S + (number + 0.5) * EVERY_S
        faults.append(Fault(kind, much, begins, begins + FAULT_S))
    return faults


def walked(machine: DemoMachine, bundle: Path, *, promotes: bool) -> Iterator[Row]:
    """A row a round."""
    faults = faults_of(machine)
    a_round = len(faults) // ROUNDS
    tape = Tape(machine.name, MachineSound(machine.specimen, SEED, faults))
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(_file(machine, bundle, Path(folder)), opens=lambda *_: tape, now=tape.now)
        plant.start()
        try:
            for number in range(ROUNDS):
                own = faults[number * a_round : (number + 1) * a_round]
                _hear(plant, tape, HEALTHY_S + (number + 1) * a_round * EVERY_S)
                row: Row = {"machine": machine.name, "promotes": promotes, "round": number}
                row |= _came(plant, own)
                _review(plant, faults, tape.now())
                began = time.monotonic()
                row["learnt"] = _offered(plant)
                row["seconds_to_the_gate"] = round(time.monotonic() - began, 1)
                if row["learnt"] is not None and promotes:
                    _promote(plant, row["learnt"]["release"])
                yield row
        finally:
            plant.stop()


def _file(machine: DemoMachine, bundle: Path, data: Path) -> PlantFile:
    sources = [{"name": "tape", "url": "synthetic://"}]
    return PlantFile.model_validate(
        {
            "plant": "loop",
            "data": data,
            "machine": [{"name": machine.name, "bundle": bundle, "sources": sources}],
        }
    )


def _hear(plant: Plant, tape: Tape, until_s: float) -> None:
    """Let the station hear up to then, and write it."""
    tape.until_s = until_s
    last = BEGIN + timedelta(seconds=until_s - 400)
    while True:
        time.sleep(0.5)
        with plant.database.reading() as session:
            reached = session.scalar(select(func.max(MinuteRow.at)))
        if reached is not None and reached >= last and not plant.health().writing.waiting:
            return


def _came(plant: Plant, faults: list[Fault]) -> Row:
    """Which of a round's faults raised an incident, and what came besides."""
    since = BEGIN + timedelta(seconds=faults[0].start_s - EVERY_S / 2)
    with plant.database.reading() as session:
        rows = session.scalars(select(IncidentRow).where(IncidentRow.opened >= since)).all()
    found = dict.fromkeys(("watch", "alarm"), 0)
    missed = []
    for fault in faults:
        own = [row for row in rows if _is_of(row, fault)]
        level = "alarm" if any(row.level == "alarm" for row in own) else "watch"
        if own:
            found[level] += 1
        else:
            missed.append(f"{fault.kind} {fault.severity:g}")
    others = [row for row in rows if not any(_is_of(row, fault) for fault in faults)]
    return {
        "faults": len(faults),
        "by_alarm": found["alarm"],
        "by_watch": found["watch"],
        "missed": missed,
        "false_alarms": sum(row.level == "alarm" for row in others),
        "false_watches": sum(row.level == "watch" for row in others),
        "hours": len(faults) * EVERY_S / 3600,
    }


def _is_of(row: IncidentRow, fault: Fault) -> bool:
    begins, ends = (BEGIN + timedelta(seconds=at) for at in (fault.start_s, fault.end_s + 20))
    return row.opened <= ends and (row.peak_at or row.opened) >= begins


def _review(plant: Plant, faults: list[Fault], now: datetime) -> None:
    with plant.database.writing() as session:
        waiting = session.scalars(select(IncidentRow).where(IncidentRow.verdict.is_(None))).all()
        for row in waiting:
            own = next((fault for fault in faults if _is_of(row, fault)), None)
            verdict = "normal" if own is None else "anomaly"
            reviews.add(session, [row.id], verdict, "benchmark", now, own and own.kind)
        ids = [row.id for row in waiting]
    plant.reviewed(ids)


def _offered(plant: Plant) -> Row | None:
    """Wait for what is offered, and give what its gate said; None without an offer."""
    until = time.monotonic() + WAIT_S
    time.sleep(1.0)  # until it has begun
    row = None
    while row is None and time.monotonic() < until:
        time.sleep(0.2)
        is_busy = plant.board.machines()[0].learning
        with plant.database.reading() as session:
            offered = ReleaseRow.state.in_(["candidate", "refused"])
            row = session.scalar(select(ReleaseRow).where(offered, ReleaseRow.gate.is_not(None)))
        if row is None and not is_busy:
            return None
    assert row is not None
    gate = dict(row.gate or {})
    incidents = gate.pop("incidents")
    for name in ("lost", "gained"):
        gate[name] = gate[name]["count"]
    test = sum(each["test"] for each in incidents)
    return {"release": row.id, "verdicts": len(row.learnt or {}), "test": test, **gate}


def _promote(plant: Plant, release_id: str) -> None:
    plant.promote(release_id, "benchmark", "")
    while plant.board.machines()[0].release_id != release_id:
        time.sleep(0.2)


def table(rows: list[Row]) -> str:
    """Markdown: a line a round."""
    lines = [
        "| machine | heads are | round | head learnt from | faults found by alarm | by watch "
        "| missed | false alarms | false watches | the gate of the head that follows |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    before: dict[tuple[str, bool], Any] = {}
    for row in rows:
        learnt = row["learnt"] or {}
        key = row["machine"], row["promotes"]
        told = before.get(key, 0)
        way = "promoted" if row["promotes"] else "left alone"
        said = learnt.get("state", "none is offered")
        if learnt.get("auc"):
            said += ", AUC {:.3f} to {:.3f}".format(*learnt["auc"])
        lines.append(
            f"| {row['machine']} | {way} | {row['round'] + 1} | {told} verdicts "
            f"| {row['by_alarm']} of {row['faults']} | {row['by_watch']} | {len(row['missed'])} "
            f"| {row['false_alarms']} | {row['false_watches']} | {said} |"
        )
        before[key] = learnt.get("verdicts", told) if row["promotes"] else 0
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--bundles", type=Path)
    names = [machine.name for machine in MACHINES]
    parser.add_argument("--machines", nargs="+", choices=names, default=names)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "table":
        text = table(noted(chosen.results))
        print(text)
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(between(page, "station-loop", text))
        return
    for machine in MACHINES:
        if machine.name not in chosen.machines:
            continue
        for promotes in (False, True):
            bundle = chosen.bundles / f"{machine.name}.rattle"
            for row in walked(machine, bundle, promotes=promotes):
                print(json.dumps(row), flush=True)
                with chosen.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
