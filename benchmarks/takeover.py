r"""Kills one of two stations on a PostgreSQL, again and again, and times how soon the other hears.

    python benchmarks/takeover.py run --database postgresql://... \
        --results benchmarks/results/takeover.jsonl
    python benchmarks/takeover.py table --results benchmarks/results/takeover.jsonl \
        --into docs/howto/grow.md

The database has to be empty. Both stations are processes of their own, with the settings that are
delivered and a data folder each; they listen to the four SYNTHETIC machines of the demo, whose
sound, made beforehand, comes in real time. Once each hears its two, one of them is killed
(SIGKILL), at a moment by chance within the five seconds between two signs of life. Seconds are
counted until all machines are the other's in the database, and until it says that it has scored
each of them. Then the dead one is started again, and once both have their share the other is
killed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from page import between
from rattle.station.config.model import Plant as PlantFile
from rattle.station.demo.kit import unpack
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import RUN_S, MachineSound
from rattle.station.plant.holding import HOLD_EVERY_S
from rattle.station.plant.station import Plant
from rattle.station.store.database import Database, open_database
from rattle.station.store.tables import SourceRow, StationRow
from rows import noted
from soak import Looped

NAMES, SOUNDS = ("one", "two"), "sounds.npz"
LOOK_EVERY_S = 0.1
PATIENCE_S = 180.0


def plant_of(database: str, folder: Path) -> PlantFile:
    return PlantFile.model_validate(
        {
            "plant": "takeover",
            "data": folder,
            "database": database,
            "machine": [
                {
                    "name": each.name,
                    "bundle": folder.parent / f"{each.name}.rattle",
                    "sources": [{"name": f"{each.name} sound", "url": f"synthetic://{each.type}"}],
                }
                for each in MACHINES
            ],
        }
    )


def station(database: str, folder: Path) -> None:
    """Be a station, until it is killed or told to end."""

    sounds = np.load(folder.parent / SOUNDS)
    made = {name: sounds[name] for name in sounds.files}
    plant = Plant(
        plant_of(database, folder),
        opens=lambda source, machine, _release: Looped(source.name, made[machine.name], 0),
    )
    plant.start()
    print("started", flush=True)
    sys.stdin.readline()
    plant.stop()


class Stations:
    """The two processes."""

    def __init__(self, database: str, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._children: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str) -> None:
        words = ["station", "--database", self._database, "--folder", str(self._folder / name)]
        child = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children[name] = child
        assert child.stdout is not None
        if child.stdout.readline() != "started\n":
            raise SystemExit(f"the station {name} could not be started")

    def kill(self, name: str) -> None:
        with self._children.pop(name) as child:
            child.send_signal(signal.SIGKILL)

    def end(self) -> None:
        for child in self._children.values():
            with contextlib.suppress(BrokenPipeError):
                child.communicate("\n")


def held(database: Database) -> Counter[str]:
    """How many machines each station has in the database, by the name of its folder."""
    with database.reading() as session:
        nodes = session.scalars(select(SourceRow.node).where(SourceRow.node.is_not(None)))
        return Counter(str(node).rpartition("/")[2] for node in nodes)


def scored(database: Database, name: str, since: datetime) -> int:
    """How many machines a station says that it has scored since then."""
    with database.reading() as session:
        rows = session.execute(select(StationRow.node, StationRow.hears)).all()
    hears = next((said for node, said in rows if node.endswith(f"/{name}")), [])
    return sum(
        all(
            source["y"] is not None and datetime.fromisoformat(source["heard_at"]) > since
            for source in machine["sources"]
        )
        for machine in hears
    )


def waited(what: str, is_so: Callable[[], bool]) -> float:
    """Wait until it is so; gives the moment."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"{what}: not within {PATIENCE_S:g} s")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic()


def run(url: str, times: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    count = len(MACHINES)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for machine in MACHINES:
            unpack(machine.name, folder / f"{machine.name}.rattle")
        sounds = {each.name: MachineSound(each.specimen, SEED + 1, ()) for each in MACHINES}
        np.savez(folder / SOUNDS, **{name: of.between(0, RUN_S) for name, of in sounds.items()})
        stations = Stations(url, folder)
        with contextlib.closing(open_database(url, folder)) as database:
            try:
                for name in NAMES:
                    stations.start(name)
                for number in range(times):
                    dies, lives = NAMES[number % 2], NAMES[1 - number % 2]
                    began = datetime.now(UTC)
                    waited(
                        "both hear their share",
                        lambda began=began: (  # type: ignore[misc]
                            sum(scored(database, name, began) for name in NAMES) == count
                            and held(database) == dict.fromkeys(NAMES, count // 2)
                        ),
                    )
                    time.sleep(rng.uniform(0, HOLD_EVERY_S))
                    at, killed = datetime.now(UTC), time.monotonic()
                    stations.kill(dies)
                    taken = waited(
                        "taken over",
                        lambda lives=lives: held(database) == {lives: count},  # type: ignore[misc]
                    )
                    heard = waited(
                        "scored again",
                        lambda lives=lives, at=at: scored(database, lives, at) == count,  # type: ignore[misc]
                    )
                    yield {
                        "machines": count,
                        "taken_s": round(taken - killed, 1),
                        "scored_s": round(heard - killed, 1),
                    }
                    stations.start(dies)
            finally:
                stations.end()


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown, a row for each of the two moments."""
    lines = [
        f"| after the kill, of {len(rows)} kills | median | shortest | longest |",
        "|---|---:|---:|---:|",
    ]
    for name, what in (
        ("the other has the machines", "taken_s"),
        ("it says that it has scored all of them", "scored_s"),
    ):
        seconds = [row[what] for row in rows]
        figures = (float(np.median(seconds)), min(seconds), max(seconds))
        lines.append(f"| {name} | " + " | ".join(f"{each:.1f} s" for each in figures) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table", "station"])
    parser.add_argument("--database")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "station":
        station(chosen.database, chosen.folder)
        return
    if chosen.verb == "run":
        for row in run(chosen.database, chosen.times):
            print(json.dumps(row), flush=True)
            with chosen.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
        return
    text = table(noted(chosen.results))
    print(text)
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(between(page, "takeover", text), encoding="utf-8")


if __name__ == "__main__":
    main()
