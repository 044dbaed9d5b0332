"""What the review queue takes: 10,000 incidents, 500 of which wait, on SQLite.

    python benchmarks/review_queue.py

The made-up plant of the tests, with a hundred machines more. Prints what the order alone takes, the
page, and a verdict on a group with the page that follows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from rattle.station.ids import new_id
from rattle.station.store.reading.queue import review_queue
from rattle.station.store.tables import ClipRow, IncidentRow
from rattle.station.web.app import build_app

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "station"))

from busy_plant import fill_up
from made_up_station import MadeUpStation, dispose, made_up_station

MACHINES, INCIDENTS, WAITING, DIMENSIONS, TIMES = 100, 10_000, 500, 128, 20
ADDRESS = "http://127.0.0.1:8765"


def add_incidents(station: MadeUpStation, names: tuple[str, ...]) -> None:
    """Add them, in ten kinds of sound a machine, each with a recording."""
    dice = np.random.default_rng(0)
    kinds = dice.normal(size=(10, DIMENSIONS)) * 3
    incidents, clips = [], []
    for number in range(INCIDENTS):
        name = names[number % len(names)]
        opened = station.context.now() - timedelta(minutes=5 * number + 1)
        z = kinds[dice.integers(10)] + 0.05 * dice.normal(size=DIMENSIONS)
        verdict = None if number < WAITING else ("normal", "anomaly", "unsure")[number % 3]
        incident = {
            "id": new_id(opened),
            "machine_id": station.machines[name],
            "source_id": station.sources[name],
            "subject": station.machines[name],
            "kind": "machine",
            "level": "alarm" if number % 3 else "watch",
            "state": "ended",
            "opened": opened,
            "ended": opened + timedelta(minutes=3),
            "peak": float(1 + dice.gumbel() ** 2),
            "peak_at": opened,
            "peak_z": z.astype("<f2").tobytes(),
            "release_id": station.releases[name],
            "reason": "",
            "verdict": verdict,
        }
        incidents.append(incident)
        clips.append(
            {
                "sha256": f"{number:064x}",
                "source_id": station.sources[name],
                "incident_id": incident["id"],
                "path": f"clips/00/{number}.flac",
                "start": opened - timedelta(seconds=20),
                "seconds": 30.0,
                "sample_rate_hz": 16_000,
                "bytes": 400_000,
                "use": "incident",
                "peak": 1.0,
                "protected": verdict is not None,
                "missing": False,
            }
        )
    with station.context.database.writing() as session:
        # Embeddings of an encoder are of one length, and these are longer.
        session.execute(update(IncidentRow).values(peak_z=None))
        session.execute(insert(IncidentRow), incidents)
        session.execute(insert(ClipRow), clips)


def measured(name: str, do: Callable[[], object]) -> None:
    """Do it twenty times and once before, and print how long that took."""
    do()
    took, worked = [], []
    for _ in range(TIMES):
        began, cpu = time.perf_counter(), time.process_time()
        do()
        took.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.process_time() - cpu))
    print(
        f"{name}: {np.median(worked):.0f} ms of a core, {np.median(took):.0f} ms by the clock "
        f"(medians of {TIMES}, fastest {min(took):.0f})"
    )


def main() -> None:
    names = tuple(f"m{number}" for number in range(MACHINES))
    with tempfile.TemporaryDirectory() as folder:
        station = made_up_station(Path(folder))
        fill_up(station, names, incidents=0)
        add_incidents(station, names)
        database, now = station.context.database, station.context.now()
        with database.reading() as session:
            print(f"{review_queue(session, now).count} questions of {WAITING} waiting incidents")
            measured("order", lambda: review_queue(session, now))
        with TestClient(
            build_app(station.context),
            base_url=ADDRESS,
            client=("127.0.0.1", 50_000),
            headers={"origin": ADDRESS},
        ) as client:
            measured("page", lambda: client.get("/review").raise_for_status())
            with database.reading() as session:
                last = review_queue(session, now).entries[-1].incident.id
            measured("page of the last", lambda: client.get(f"/review?at={last}"))

            def judge() -> None:
                with database.reading() as session:
                    entry = review_queue(session, now).entries[0]
                said = {"ids": list(entry.ids), "verdict": "normal", "came_from": "review"}
                client.post("/review/bulk", data=said).raise_for_status()

            measured("order, verdict and the next page", judge)
        dispose(station)


if __name__ == "__main__":
    main()
