r"""Lets a worker train an encoder of a SYNTHETIC machine from verdicts, faster than real time.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/encoder_loop.py run --bundles KIT --data KIT/factory \
        --results benchmarks/results/encoder_loop.jsonl       (some five minutes a machine, idle)
    python benchmarks/encoder_loop.py table --results benchmarks/results/encoder_loop.jsonl \
        --page docs/explanation/learning.md

Station, sound and person are those of ``station_loop``: a real station hears a machine of the demo
for six healthy hours and two rounds of its faults, one kind of which people know to be harmless;
then all of it is reviewed. The station fits a head, and a real ``rattle station-worker``, over
HTTP, trains the encoder. What their gates say is set beside how they do on sound of that machine
that nobody heard: a minute of each fault at each severity but the harmless kind, and as many
healthy ones, made with another seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
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
from rattle.station.demo.machines import MACHINES, DemoMachine
from rattle.station.demo.sound import RUN_S, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store.kept_sound import amount
from rattle.station.store.tables import JobRow, ReleaseRow
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server
from rattle.synthetic import FAULTS_OF_TYPE
from rows import Row, noted
from station_loop import (
    HEALTHY_H,
    ROUND_S,
    ROUNDS,
    SEVERITIES,
    came,
    harmless,
    opened,
    review,
    wait_for_learning,
)

OTHER_SEED = 15
CLIP_S = 10.0
WAIT_S = 3600.0


def learnt(machine: DemoMachine, bundles: Path, recordings: Path, healthy_s: float) -> Row:
    """Hear, review, let a head and an encoder learn; what came of both."""
    with opened([machine], bundles, healthy_s, ROUNDS) as walk:
        plant, data = walk.plant, walk.plant.file.data
        walk.hear(healthy_s + ROUNDS * ROUND_S)
        rounds = [came(walk, machine, number) for number in range(ROUNDS)]
        row: Row = {"machine": machine.name, "heard_h": (healthy_s + ROUNDS * ROUND_S) / 3600}
        row["faults"] = sum(each["faults"]["count"] for each in rounds)
        row["silent"] = sum(len(each["faults"]["silent"]) for each in rounds)
        row["kept"] = amount(data).pieces
        began = time.monotonic()
        review(walk)
        wait_for_learning(plant)
        row["head"] = _gated(plant, "head", began)
        with served(plant) as address, worker(address, recordings):
            row["encoder"] = _awaited(plant, began)
        with plant.database.reading() as session:
            made = session.scalars(select(ReleaseRow).where(ReleaseRow.state != "superseded"))
            paths = {each.kind: data / each.path for each in made}
        clips, is_fault = apart(machine)
        row["apart_clips"], row["apart"] = len(clips), {}
        for kind, path in paths.items():
            found = scores(path, clips)
            row["apart"][kind] = round(auc(found[~is_fault], found[is_fault]), 4)
        return row


def apart(machine: DemoMachine) -> tuple[list[np.ndarray], np.ndarray]:
    """Ten-second clips of the machine at another time: of each fault in a minute, and healthy."""
    kinds = [
        (kind, much)
        for much in SEVERITIES
        for kind in FAULTS_OF_TYPE[machine.type]
        if kind != harmless(machine)
    ]
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


def _awaited(plant: Plant, began: float) -> Row:
    """Wait for the encoder, and give what its gate said."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        time.sleep(0.5)
        if (made := _gated(plant, "encoder", began)) is not None:
            return made
        with plant.database.reading() as session:
            failed = session.scalar(select(JobRow.log).where(JobRow.state == "failed"))
        if failed:
            raise SystemExit(failed)
    raise SystemExit("no encoder in an hour")


def _gated(plant: Plant, kind: str, began: float) -> Row | None:
    """What the gate said of what is offered of a kind; None where nothing is."""
    with plant.database.reading() as session:
        of_kind = select(ReleaseRow).where(ReleaseRow.kind == kind)
        row = session.scalar(of_kind.where(ReleaseRow.gate.is_not(None)))
    if row is None:
        return None
    gate: dict[str, Any] = dict(row.gate or {})
    for name in ("lost", "gained"):
        gate[name] = gate[name]["count"]
    incidents = gate.pop("incidents")
    gate.pop("curve")
    test = [each for each in incidents if each["test"]]
    verdicts = list((row.learnt or {}).values())
    return {
        "seconds": round(time.monotonic() - began, 1),
        "faults": verdicts.count("anomaly"),
        "rejected": verdicts.count("normal"),
        "test": len(test),
        "test_faults": sum(each["verdict"] == "anomaly" for each in test),
        **gate,
    }


def table(rows: list[Row]) -> str:
    """Markdown: a line for the head and one for the encoder of each machine."""
    lines = [
        "| machine | heard | faults found | what learnt | from faults and rejected | gate "
        "| AUC of the test | AUC apart | after |",
        "|---|---:|---:|---|---|---|---|---|---:|",
    ]
    for row in rows:
        for kind in ("head", "encoder"):
            made = row[kind]
            if made is None:
                lines.append(f"| {row['machine']} | | | {kind} | | none is offered | | | |")
                continue
            test = "{:.3f} to {:.3f}".format(*made["auc"]) if made["auc"] else "not shown"
            heard = "" if made["pieces"] is None else f", {made['pieces']} pieces"
            lines.append(
                f"| {row['machine']} | {row['heard_h']:g} h "
                f"| {row['faults'] - row['silent']} of {row['faults']} "
                f"| {kind} | {made['faults']} and {made['rejected']} "
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
    parser.add_argument("--healthy-hours", type=float, default=HEALTHY_H)
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
            row = learnt(machine, chosen.bundles, chosen.data, 3600 * chosen.healthy_hours)
            print(json.dumps(row), flush=True)
            with chosen.results.open("a") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
