r"""Runs a whole station for an hour on SYNTHETIC sources, with its page, and watches what it takes.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/soak.py run --bundles KIT --sources 100 --minutes 60 \
        --results benchmarks/results/soak.jsonl
    python benchmarks/soak.py table --results benchmarks/results/soak.jsonl \
        --into docs/performance.md

Every source is a machine of its own, of the four detectors of the demo, which share an encoder. The
sound is made beforehand, five minutes of each machine, and each source begins in it elsewhere: what
is measured is the station and not the making of sound. It comes in real time, a quarter of a second
at a time, by a thread a source. One source in twenty has a fault in its sound, one in fifty falls
silent. Eight pages listen to what is live, one of them never reads. Memory is the process's
resident set, lag how late the newest window of any source was scored; both are looked at every ten
seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from page import between
from rattle.listening.source import BLOCK_SECONDS, Block
from rattle.station.clock import utc_now
from rattle.station.config.model import Plant as PlantFile
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import RATE_HZ, RUN_S, Fault, MachineSound
from rattle.station.plant.station import Plant
from rattle.station.store.tables import IncidentRow, MinuteRow
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server
from rows import noted

LOOK_EVERY_S = 10.0
FAULTY, SILENT = 20, 50  # one source of so many
PAGES = 8

Samples = NDArray[np.float32]


@dataclass
class Looped:
    """A live source that plays a sound again and again, beginning somewhere in it."""

    name: str
    sound: Samples
    first: int
    live: bool = True

    def connect(self) -> Looped:
        self._closed = Event()
        return self

    def close(self) -> None:
        self._closed.set()

    def blocks(self) -> Iterator[Block]:
        step, at = round(BLOCK_SECONDS * RATE_HZ), self.first
        due = time.monotonic()
        while True:
            due += BLOCK_SECONDS
            if self._closed.wait(max(due - time.monotonic(), 0)):
                return
            yield Block(self.sound[at : at + step, None], RATE_HZ)
            at = (at + step) % len(self.sound)


def sounds() -> dict[str, tuple[Samples, Samples]]:
    """Five minutes of each machine, healthy and with a fault in the second half."""
    faults = {"synth_pump": "looseness", "synth_fan": "rub", "synth_valve": "leak"}
    made = {}
    for machine in MACHINES:
        fault = Fault(faults[machine.type], 1.0, RUN_S / 2, RUN_S)
        healthy, faulty = (
            MachineSound(machine.specimen, SEED + 2, each).between(0, RUN_S)
            for each in ((), (fault,))
        )
        made[machine.name] = healthy, faulty
    return made


def plant_of(bundles: Path, data: Path, sources: int) -> PlantFile:
    machines = [MACHINES[number % len(MACHINES)] for number in range(sources)]
    return PlantFile.model_validate(
        {
            "plant": "soak",
            "data": data,
            "web": {"bind": "127.0.0.1:0"},
            "machine": [
                {
                    "name": f"{machine.name} {number:03}",
                    "bundle": bundles / f"{machine.name}.rattle",
                    "sources": [{"name": f"s{number:03}", "url": "synthetic://"}],
                }
                for number, machine in enumerate(machines)
            ],
        }
    )


def resident_mb() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 1e6


def listen(address: str, reads: bool, ending: Event) -> None:
    """A page: reads what is live, or never does."""
    with (
        httpx2.Client(base_url=address, timeout=30) as client,
        client.stream("GET", "/events") as stream,
    ):
        if not reads:
            ending.wait()
            return
        for _line in stream.iter_lines():
            if ending.is_set():
                return


def run(bundles: Path, sources: int, minutes: float) -> dict[str, Any]:
    made = sounds()
    rng = np.random.default_rng(SEED)

    def opens(source: Any, machine: Any, _release: Any) -> Looped:
        number = int(source.name[1:])
        healthy, faulty = made[machine.name[:-4]]
        sound = faulty if number % FAULTY == FAULTY - 1 else healthy
        if number % SILENT == SILENT - 1:
            sound = sound.copy()
            sound[len(sound) // 3 : len(sound) // 2] = 0
        step = round(BLOCK_SECONDS * RATE_HZ)
        return Looped(source.name, sound, int(rng.integers(len(sound) // step)) * step)

    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(plant_of(bundles, Path(folder), sources), opens=opens)
        plant.start()
        context = Context(
            plant.file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now
        )
        server = Server(build_app(context))
        address = server.start()
        ending = Event()
        pages = [
            threading.Thread(target=listen, args=(address, number > 0, ending), daemon=True)
            for number in range(PAGES)
        ]
        for page in pages:
            page.start()
        row = watched(plant, address, minutes)
        ending.set()
        server.stop()
        began = time.monotonic()
        plant.stop()
        row["stops_in_s"] = round(time.monotonic() - began, 1)
        return {"sources": sources, "minutes": minutes, **row}


def watched(plant: Plant, address: str, minutes: float) -> dict[str, Any]:
    memory, lags, waiting, walls = [], [], [], []
    began, cpu = time.monotonic(), time.process_time()
    with httpx2.Client(base_url=address, timeout=30) as client:
        while (since := time.monotonic() - began) < 60 * minutes:
            time.sleep(LOOK_EVERY_S)
            now = plant.board.sources().values()
            memory.append(resident_mb())
            lags.append(max(source.lag_s for source in now))
            waiting.append(plant.health().writing.waiting)
            asked = time.monotonic()
            client.get("/").raise_for_status()
            walls.append(time.monotonic() - asked)
            if len(memory) % 30 == 0:
                print(
                    f"{since / 60:.0f} min: {memory[-1]:.0f} MB, lag {max(lags[-30:]):.2f} s, "
                    f"wall {max(walls[-30:]):.2f} s",
                    flush=True,
                )
    cpu = time.process_time() - cpu
    third = max(len(memory) // 3, 1)
    now = list(plant.board.sources().values())
    writing = plant.health().writing
    with plant.database.reading() as session:
        rows = session.scalar(select(func.count()).select_from(MinuteRow))
        kinds = dict(
            session.execute(select(IncidentRow.kind, func.count()).group_by(IncidentRow.kind)).all()
        )
    return {
        "cores": round(cpu / (time.monotonic() - began), 3),
        "memory_mb": [
            round(float(np.median(part)))
            for part in (memory[:third], memory[third : 2 * third], memory[2 * third :])
        ],
        "memory_highest_mb": round(max(memory)),
        "lag_highest_s": round(max(lags), 2),
        "lag_median_s": round(float(np.median(lags)), 2),
        "wall_page_s": [round(float(np.median(walls)), 3), round(max(walls), 3)],
        "dropped_s": round(sum(source.dropped_s for source in now), 1),
        "waiting_highest": max(waiting),
        "dropped_minutes": writing.dropped_minutes,
        "refused_clips": writing.refused_clips,
        "minute_rows": rows,
        "incidents": kinds,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown, a column a run."""
    lines = [
        "| | " + " | ".join(f"{row['sources']} sources" for row in rows) + " |",
        "|---|" + "---:|" * len(rows),
    ]
    for name, of in (
        ("minutes at real time", lambda r: f"{r['minutes']:g}"),
        ("cores", lambda r: f"{r['cores']:.2f}"),
        ("memory: median of each third, MB", lambda r: ", ".join(map(str, r["memory_mb"]))),
        ("memory: highest, MB", lambda r: r["memory_highest_mb"]),
        (
            "lag of the newest window: median, highest, s",
            lambda r: f"{r['lag_median_s']}, {r['lag_highest_s']}",
        ),
        ("sound dropped, s", lambda r: r["dropped_s"]),
        (
            "plant wall served in: median, highest, s",
            lambda r: f"{r['wall_page_s'][0]}, {r['wall_page_s'][1]}",
        ),
        ("records that waited, at most", lambda r: r["waiting_highest"]),
        ("minutes stored, dropped", lambda r: f"{r['minute_rows']:,}, {r['dropped_minutes']}"),
        ("ends within, s", lambda r: r["stops_in_s"]),
    ):
        lines.append(f"| {name} | " + " | ".join(str(of(row)) for row in rows) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["run", "table"])
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "run":
        row = run(chosen.bundles, chosen.sources, chosen.minutes)
        with chosen.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row, indent=1))
        return
    text = table(noted(chosen.results))
    print(text)
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(between(page, "soak", text))


if __name__ == "__main__":
    main()
