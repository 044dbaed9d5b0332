r"""Walks the whole loop of a station on a SYNTHETIC plant, faster than real time.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/station_loop.py run --bundles KIT \
        --results benchmarks/results/station_loop.jsonl                     (an hour and a half)
    python benchmarks/station_loop.py table --results benchmarks/results/station_loop.jsonl \
        --page docs/explanation/learning.md

A real station, with its threads, database and files, hears the four machines of the demo from
sources that give their sound as fast as it can be judged: 12 hours. They are healthy for 6; then
comes a minute of every fault of a machine's type in turn, one each quarter of an hour, at
severities 0.6 and 1; and all of that once more. The last kind of each type is one that people there
know to be harmless. After each round someone confirms every incident in whose time there was a
fault, and rejects those of the harmless kind and all others. Each head that is offered then and not
refused by its gate is *promoted*; the same is done by another station whose heads nobody promotes
(*left alone*). Memory of the process is noted every simulated hour; for more than a day, with
something to be learnt every three hours, by

    python benchmarks/station_loop.py run --bundles KIT --ways promoted --rounds 6 \
        --healthy-hours 8 --machines "Exhaust fan" "Dosing valve" \
        --results benchmarks/results/station_day.jsonl                              (half an hour)
    python benchmarks/station_loop.py memory --results benchmarks/results/station_day.jsonl \
        --page docs/performance.md
    python benchmarks/station_loop.py day --results benchmarks/results/station_day.jsonl \
        --page docs/explanation/learning.md
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from sqlalchemy import func, select

from page import between
from rattle.listening.source import Block
from rattle.scoring.budget.ledger import LEVELS
from rattle.station.config.model import Plant as PlantFile
from rattle.station.demo.machines import MACHINES, SEED, DemoMachine
from rattle.station.demo.sound import RATE_HZ, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store import reviews
from rattle.station.store.tables import IncidentRow, MachineRow, MinuteRow, ReleaseRow
from rattle.synthetic import FAULTS_OF_TYPE
from rows import Row, noted

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
BLOCK_S = 10
HEALTHY_H, EVERY_S, APART_S, FAULT_S = 6.0, 900, 180, 60
SEVERITIES = (0.6, 1.0)
ROUNDS = 2
WAYS = {"promoted": True, "left alone": False}
STEP_S = 600
WAIT_S, QUIET_S = 1800.0, 5.0
# How what a machine's page says begins while something is learnt.
BUSY = ("Fitting", "Trying", "Taking", "The reviewed incident")
SLOTS = len(SEVERITIES) * max(len(FAULTS_OF_TYPE[machine.type]) for machine in MACHINES)
ROUND_S = SLOTS * EVERY_S


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


@dataclass(frozen=True)
class Walk:
    """A station and the tapes that it hears, by machine; what time it is, is how far they went."""

    plant: Plant
    tapes: Mapping[str, Tape]
    faults: Mapping[str, list[Fault]]
    healthy_s: float
    memory_mb: list[int] = field(default_factory=list)

    def hear(self, until_s: float) -> None:
        """Let the station hear up to then, all machines side by side, and write it."""
        while (heard_s := min(tape.heard_s for tape in self.tapes.values())) < until_s:
            if heard_s // 3600 >= len(self.memory_mb):
                self.memory_mb.append(_resident_mb())
            for tape in self.tapes.values():
                tape.until_s = min(heard_s + STEP_S, until_s)
            while any(tape.heard_s < tape.until_s for tape in self.tapes.values()):
                time.sleep(0.05)
        last = BEGIN + timedelta(seconds=until_s - 400)
        while not self._is_written(last):
            time.sleep(0.2)

    def _is_written(self, until: datetime) -> bool:
        if self.plant.health().writing.waiting:
            return False
        newest = select(func.max(MinuteRow.at)).group_by(MinuteRow.source_id)
        with self.plant.database.reading() as session:
            reached = session.scalars(newest).all()
        return len(reached) == len(self.tapes) and min(reached) >= until

    def now(self) -> datetime:
        return _now(self.tapes)


def _now(tapes: Mapping[str, Tape]) -> datetime:
    return BEGIN + timedelta(seconds=min(tape.heard_s for tape in tapes.values()))


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def faults_of(machine: DemoMachine, healthy_s: float, rounds: int) -> list[Fault]:
    """Every fault of the machine's type, round by round."""
    kinds = [(kind, much) for much in SEVERITIES for kind in FAULTS_OF_TYPE[machine.type]]
    first_s = healthy_s + EVERY_S / 4 + APART_S * MACHINES.index(machine)
    return [
        Fault(kind, much, begins, begins + FAULT_S)
        for number in range(rounds)
        for slot, (kind, much) in enumerate(kinds)
        for begins in [first_s + number * ROUND_S + slot * EVERY_S]
    ]


def harmless(machine: DemoMachine) -> str:
    """The kind that people know to be none."""
    return FAULTS_OF_TYPE[machine.type][-1]


def walked(
    machines: Sequence[DemoMachine],
    bundles: Path,
    healthy_s: float,
    rounds: int,
    *,
    promotes: bool,
) -> Iterator[Row]:
    """A row a machine and round, and one of the memory."""
    with opened(machines, bundles, healthy_s, rounds) as walk:
        plant = walk.plant
        for number in range(rounds):
            walk.hear(healthy_s + (number + 1) * ROUND_S)
            rows = [
                {"machine": machine.name, "promotes": promotes, "round": number}
                | came(walk, machine, number)
                for machine in machines
            ]
            review(walk)
            began = time.monotonic()
            wait_for_learning(plant)
            for row in rows:
                row["seconds_to_all_gates"] = round(time.monotonic() - began - QUIET_S, 1)
                row["learnt"] = learnt = _offered(plant, row["machine"])
                if learnt and promotes and learnt["state"] != "refused":
                    _promote(plant, learnt["release"])
                yield row
        yield {"promotes": promotes, "memory_mb": walk.memory_mb}


@contextmanager
def opened(
    machines: Sequence[DemoMachine], bundles: Path, healthy_s: float, rounds: int
) -> Iterator[Walk]:
    """Run a station of these machines in a folder of its own."""
    faults = {machine.name: faults_of(machine, healthy_s, rounds) for machine in machines}
    tapes = {
        machine.name: Tape(machine.name, MachineSound(machine.specimen, SEED, faults[machine.name]))
        for machine in machines
    }
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(
            _file(machines, bundles, Path(folder)),
            opens=lambda source, *_: tapes[source.name],
            now=lambda: _now(tapes),
        )
        plant.start()
        try:
            yield Walk(plant, tapes, faults, healthy_s)
        finally:
            plant.stop()


def _file(machines: Sequence[DemoMachine], bundles: Path, data: Path) -> PlantFile:
    return PlantFile.model_validate(
        {
            "plant": "loop",
            "data": data,
            "machine": [
                {
                    "name": machine.name,
                    "bundle": bundles / f"{machine.name}.rattle",
                    "sources": [{"name": machine.name, "url": "synthetic://"}],
                }
                for machine in machines
            ],
        }
    )


def came(walk: Walk, machine: DemoMachine, number: int) -> Row:
    """Which of a round's faults raised an incident, and what came besides."""
    faults = walk.faults[machine.name]
    begin_s = walk.healthy_s + number * ROUND_S if number else 0.0
    end_s = walk.healthy_s + (number + 1) * ROUND_S
    of_round = [fault for fault in faults if begin_s <= fault.start_s < end_s]
    since = BEGIN + timedelta(seconds=begin_s)
    with walk.plant.database.reading() as session:
        rows = session.scalars(
            select(IncidentRow)
            .join(MachineRow, MachineRow.id == IncidentRow.machine_id)
            .where(MachineRow.name == machine.name, IncidentRow.level.in_(LEVELS))
            .where(IncidentRow.opened >= since)
        ).all()
    row: Row = {"hours": (end_s - begin_s) / 3600}
    for name, is_meant in (("faults", False), ("harmless", True)):
        own = [fault for fault in of_round if (fault.kind == harmless(machine)) == is_meant]
        levels = [{each.level for each in rows if _is_of(each, fault)} for fault in own]
        row[name] = {
            "count": len(own),
            "by_alarm": sum("alarm" in level for level in levels),
            "by_watch": sum(level == {"watch"} for level in levels),
            "silent": [
                f"{fault.kind} {fault.severity:g}"
                for fault, level in zip(own, levels, strict=True)
                if not level
            ],
        }
    others = [each for each in rows if not any(_is_of(each, fault) for fault in of_round)]
    row["others"] = {level: sum(each.level == level for each in others) for level in LEVELS}
    return row


def _is_of(row: IncidentRow, fault: Fault) -> bool:
    begins, ends = (BEGIN + timedelta(seconds=at) for at in (fault.start_s, fault.end_s + 20))
    return row.opened <= ends and (row.peak_at or row.opened) >= begins


def review(walk: Walk) -> None:
    """Confirm what was a fault, reject the harmless kind and all else."""
    machines = {machine.name: machine for machine in MACHINES}
    with walk.plant.database.writing() as session:
        waiting = session.execute(
            select(IncidentRow, MachineRow.name)
            .join(MachineRow, MachineRow.id == IncidentRow.machine_id)
            .where(IncidentRow.verdict.is_(None), IncidentRow.kind == "machine")
        ).all()
        for row, name in waiting:
            own = next((fault for fault in walk.faults[name] if _is_of(row, fault)), None)
            is_fault = own is not None and own.kind != harmless(machines[name])
            verdict = "anomaly" if is_fault else "normal"
            kind = own.kind if own is not None and is_fault else None
            reviews.add(session, [row.id], verdict, "benchmark", walk.now(), kind)
        ids = [row.id for row, _ in waiting]
    walk.plant.reviewed(ids)


def wait_for_learning(plant: Plant) -> None:
    """Wait until nothing has been learnt for a while: machines learn one after another."""
    quiet_since = began = time.monotonic()
    while (now := time.monotonic()) - quiet_since < QUIET_S:
        assert now - began < WAIT_S, [each.learning for each in plant.board.machines()]
        if any(machine.learning.startswith(BUSY) for machine in plant.board.machines()):
            quiet_since = now
        time.sleep(0.1)


def _offered(plant: Plant, machine: str) -> Row | None:
    """What is offered for a machine, and what its gate said; None without an offer."""
    with plant.database.reading() as session:
        row = session.scalar(
            select(ReleaseRow)
            .join(MachineRow, MachineRow.id == ReleaseRow.machine_id)
            .where(MachineRow.name == machine, ReleaseRow.gate.is_not(None))
            .where(ReleaseRow.state.in_(["candidate", "refused"]))
        )
    if row is None:
        return None
    gate = dict(row.gate or {})
    incidents = gate.pop("incidents")
    for name in ("lost", "gained"):
        gate[name] = gate[name]["count"]
    test = sum(each["test"] for each in incidents)
    return {"release": row.id, "verdicts": len(row.learnt or {}), "test": test, **gate}


def _promote(plant: Plant, release_id: str) -> None:
    plant.promote(release_id, "benchmark", "")
    while all(machine.release_id != release_id for machine in plant.board.machines()):
        time.sleep(0.2)
    wait_for_learning(plant)


def table(rows: list[Row]) -> str:
    """Markdown: a line a machine, way and round."""
    lines = [
        "| machine | heads are | round | head in use learnt from | faults by alarm | by watch "
        "| missed | harmless kind: alarms | watches | other alarms | other watches "
        "| the gate of the head that follows |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    in_use: dict[tuple[str, bool], int] = {}
    rows = [row for row in rows if "machine" in row]
    for row in sorted(rows, key=lambda row: (row["machine"], row["promotes"], row["round"])):
        learnt, faults, meant = row["learnt"], row["faults"], row["harmless"]
        key = row["machine"], row["promotes"]
        way = "promoted" if row["promotes"] else "left alone"
        said = "none is offered" if learnt is None else learnt["state"]
        if learnt and learnt.get("auc"):
            said += ", AUC {:.3f} to {:.3f}".format(*learnt["auc"])
        lines.append(
            f"| {row['machine']} | {way} | {row['round'] + 1} | {in_use.get(key, 0)} verdicts "
            f"| {faults['by_alarm']} of {faults['count']} | {faults['by_watch']} "
            f"| {len(faults['silent'])} | {meant['by_alarm']} of {meant['count']} "
            f"| {meant['by_watch']} | {row['others']['alarm']} | {row['others']['watch']} "
            f"| {said} |"
        )
        if row["promotes"] and learnt and learnt["state"] != "refused":
            in_use[key] = learnt["verdicts"]
    return "\n".join([*lines, "", *_sums(rows)])


def _sums(rows: list[Row]) -> list[str]:
    """All machines together, from the second round on: what learning changed."""
    lines = [
        "| all, after the first round | faults by alarm | by alarm or watch "
        "| harmless kind: alarms | alarms or watches | other alarms | other watches |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for promotes in sorted({row["promotes"] for row in rows}):
        own = [row for row in rows if row["promotes"] == promotes and row["round"]]
        cells = []
        for name in ("faults", "harmless"):
            count, alarms, watches = (
                sum(row[name][key] for row in own) for key in ("count", "by_alarm", "by_watch")
            )
            cells += [f"{alarms} of {count}", f"{alarms + watches} of {count}"]
        cells += [str(sum(row["others"][level] for row in own)) for level in ("alarm", "watch")]
        way = "promoted unless refused" if promotes else "left alone"
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def memory(rows: list[Row]) -> str:
    """Markdown: the process's resident set by simulated hour, learning on."""
    hours = range(0, 27, 3)
    heads = " | ".join(f"{hour} h" for hour in hours)
    lines = [
        f"| heads are | machines | verdicts learnt from at last | MB after {heads} | at the end |",
        "|---|---:|---:|" + "---:|" * (len(hours) + 1),
    ]
    for row in (row for row in rows if "memory_mb" in row):
        own, promotes = row["memory_mb"], row["promotes"]
        of_way = [each for each in rows if each["promotes"] == promotes and "round" in each]
        end = max(each["round"] for each in of_way)
        last = [each for each in of_way if each["round"] == end]
        learnt = sum((each["learnt"] or {}).get("verdicts", 0) for each in last)
        at = [str(own[hour]) if hour < len(own) else "" for hour in hours]
        cells = ["promoted" if promotes else "left alone", str(len(last)), str(learnt), *at]
        lines.append(f"| {' | '.join([*cells, str(own[-1])])} |")
    return "\n".join(lines)


TABLES = {
    "table": ("station-loop", table),
    "day": ("station-day", table),
    "memory": ("station-memory", memory),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", *TABLES])
    parser.add_argument("--bundles", type=Path)
    names = [machine.name for machine in MACHINES]
    parser.add_argument("--machines", nargs="+", choices=names, default=names)
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument("--healthy-hours", type=float, default=HEALTHY_H)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.verb in TABLES:
        name, made = TABLES[chosen.verb]
        text = made(noted(chosen.results))
        print(text)
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(between(page, name, text))
        return
    machines = [machine for machine in MACHINES if machine.name in chosen.machines]
    for way in chosen.ways:
        healthy_s = 3600 * chosen.healthy_hours
        for row in walked(machines, chosen.bundles, healthy_s, chosen.rounds, promotes=WAYS[way]):
            print(json.dumps(row), flush=True)
            with chosen.results.open("a") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
