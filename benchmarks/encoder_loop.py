r"""Lets a worker train an encoder of a SYNTHETIC machine from verdicts, faster than real time.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/encoder_loop.py run --bundles KIT --data KIT/factory --hours 40 \
        --results benchmarks/results/encoder_loop.jsonl      (half an hour a machine on a free core)
    python benchmarks/encoder_loop.py table --results benchmarks/results/encoder_loop.jsonl \
        --page docs/explanation/learning.md

The station and the sound are those of ``station_loop``: a real station hears a machine of the demo,
from the fourth hour on with a fault for a minute in each half hour, for some hours. Then someone
confirms every incident in whose time there was a fault, and rejects the others. The station fits a
head, and a real ``rattle station-worker``, over HTTP, trains the encoder; what their gates say is
set beside how they do on sound of that machine that nobody heard: a minute of each fault at each
severity, and as many healthy ones, made with another seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from page import between
from rattle.evaluation.metrics import auc
from rattle.runtime.scorer import Scorer
from rattle.station.clock import utc_now
from rattle.station.demo.machines import MACHINES, SEED, DemoMachine
from rattle.station.demo.sound import RUN_S, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store.kept_sound import amount
from rattle.station.store.tables import JobRow, ReleaseRow
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server
from rattle.synthetic import FAULTS_OF_TYPE
from rows import Row, noted
from station_loop import EVERY_S, FAULT_S, HEALTHY_S, SEVERITIES, Tape, _came, _file, _hear, _review

OTHER_SEED = 15
CLIP_S = 10.0
WAIT_S = 3600.0


def faults_of(machine: DemoMachine, hours: int) -> list[Fault]:
    """Every fault of the machine's type in turn, until the hours are over."""
    kinds = [(kind, much) for much in SEVERITIES for kind in FAULTS_OF_TYPE[machine.type]]
    count = int((hours * 3600 - HEALTHY_S) / EVERY_S)
    faults = []
    for number in range(count):
        kind, much = kinds[number % len(kinds)]
        begins = HEALTHY_S + (number + 0.5) * EVERY_S
        faults.append(Fault(kind, much, begins, begins + FAULT_S))
    return faults


def learnt(machine: DemoMachine, bundle: Path, recordings: Path, hours: int) -> Row:
    """Hear, review, let a head and an encoder learn; what came of both."""
    faults = faults_of(machine, hours)
    tape = Tape(machine.name, MachineSound(machine.specimen, SEED, faults))
    with tempfile.TemporaryDirectory() as at:
        file = _file(machine, bundle, Path(at))
        plant = Plant(file, opens=lambda *_: tape, now=tape.now)
        plant.start()
        try:
            _hear(plant, tape, hours * 3600)
            row: Row = {"machine": machine.name, "heard_h": hours, **_came(plant, faults)}
            row["kept"] = amount(file.data).pieces
            began = time.monotonic()
            _review(plant, faults, tape.now())
            row["head"] = _gated(plant, "head", began)
            with served(plant) as address, worker(address, recordings):
                row["encoder"] = _gated(plant, "encoder", began)
            with plant.database.reading() as session:
                row["log"] = session.scalars(select(JobRow.log)).one()
            paths = {"given": bundle}
            with plant.database.reading() as session:
                paths |= {
                    each.kind: file.data / each.path
                    for each in session.scalars(select(ReleaseRow))
                    if each.kind != "given" and each.gate
                }
            clips, is_fault = apart(machine)
            row["apart"] = {}
            for kind, path in paths.items():
                found = scores(path, clips)
                row["apart"][kind] = round(auc(found[~is_fault], found[is_fault]), 4)
            row["apart_clips"] = len(clips)
            return row
        finally:
            plant.stop()


def apart(machine: DemoMachine) -> tuple[list[np.ndarray], np.ndarray]:
    """Ten-second clips of the machine at another time: of each fault in a minute, and healthy."""
    kinds = [(kind, much) for much in SEVERITIES for kind in FAULTS_OF_TYPE[machine.type]]
    faults = [
        Fault(kind, much, RUN_S * number, RUN_S * (number + 1))
        for number, (kind, much) in enumerate(kinds)
    ]
    faulty = MachineSound(machine.specimen, OTHER_SEED, faults)
    healthy = MachineSound(machine.specimen, OTHER_SEED + 1)
    clips, is_fault = [], []
    for sound, label in ((faulty, True), (healthy, False)):
        for number in range(len(kinds)):
            for begin in np.arange(60.0, 120.0, CLIP_S) + RUN_S * number:
                clips.append(sound.between(begin, begin + CLIP_S))
                is_fault.append(label)
    return clips, np.array(is_fault)


def scores(path: Path, clips: list[np.ndarray]) -> np.ndarray:
    """Score clips by a bundle ``[n]``."""
    return np.array([clip.score for clip in Scorer.load(path).score(clips)])


@contextmanager
def served(plant: Plant) -> Iterator[str]:
    """Serve the plant's API on a free port."""
    web = plant.file.web.model_copy(update={"bind": "127.0.0.1:0"})
    file = plant.file.model_copy(update={"web": web})
    context = Context(file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now)
    server = Server(build_app(context))
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def worker(address: str, recordings: Path) -> Iterator[None]:
    """Run a worker meanwhile."""
    words = [sys.executable, "-m", "rattle", "station-worker", "--station", address]
    child = subprocess.Popen([*words, "--data", str(recordings)], env=os.environ.copy())
    try:
        yield
    finally:
        child.terminate()
        child.wait()


def _gated(plant: Plant, kind: str, began: float) -> Row:
    """Wait for what is offered of a kind, and give what its gate said."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        time.sleep(0.5)
        with plant.database.reading() as session:
            of_kind = select(ReleaseRow).where(ReleaseRow.kind == kind)
            row = session.scalar(of_kind.where(ReleaseRow.gate.is_not(None)))
            failed = session.scalar(select(JobRow.log).where(JobRow.state == "failed"))
        if failed:
            raise SystemExit(failed)
        if row is None:
            continue
        gate: dict[str, Any] = dict(row.gate or {})
        for name in ("lost", "gained"):
            gate[name] = gate[name]["count"]
        incidents = gate.pop("incidents")
        gate.pop("curve")
        test = [each for each in incidents if each["test"]]
        return {
            "seconds": round(time.monotonic() - began, 1),
            "verdicts": len(row.learnt or {}),
            "test": len(test),
            "test_faults": sum(each["verdict"] == "anomaly" for each in test),
            **gate,
        }
    raise SystemExit(f"no {kind} in an hour")


def table(rows: list[Row]) -> str:
    """Markdown: a line for the head and one for the encoder of each machine."""
    lines = [
        "| machine | heard | faults found | what learnt | from | gate | AUC of the test "
        "| AUC apart | after |",
        "|---|---:|---:|---|---:|---|---|---|---:|",
    ]
    for row in rows:
        for kind in ("head", "encoder"):
            made = row[kind]
            test = "{:.3f} to {:.3f}".format(*made["auc"]) if made["auc"] else "not shown"
            heard = "" if made["pieces"] is None else f", {made['pieces']} pieces"
            lines.append(
                f"| {row['machine']} | {row['heard_h']} h "
                f"| {row['by_alarm'] + row['by_watch']} of {row['faults']} "
                f"| {kind} | {made['verdicts']} verdicts "
                f"| {made['state']}, {made['hours']:.0f} h{heard} | {test} "
                f"| {row['apart']['given']:.3f} to {row['apart'][kind]:.3f} "
                f"| {made['seconds']:.0f} s |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--data", type=Path)
    names = [machine.name for machine in MACHINES]
    parser.add_argument("--machines", nargs="+", choices=names, default=names)
    parser.add_argument("--hours", type=int, default=40)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "table":
        text = table(noted(chosen.results))
        print(text)
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(between(page, "encoder-loop", text))
        return
    for machine in MACHINES:
        if machine.name in chosen.machines:
            row = learnt(
                machine,
                chosen.bundles / f"{machine.name}.rattle",
                chosen.data,
                chosen.hours,
            )
            print(json.dumps(row), flush=True)
            with chosen.results.open("a") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
