"""What it takes to remember: a minute of 300 sources in one transaction, an account recalled.

    python benchmarks/station_store.py [postgresql://USER@/NAME?host=FOLDER]

On SQLite in a temporary folder, and in the database that is named, which has to be empty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rattle.station.config.model import Plant
from rattle.station.records import MinuteHeard
from rattle.station.store.database import Database, open_database
from rattle.station.store.history import account_of
from rattle.station.store.register import BundleFacts, register
from rattle.station.store.writing import write_all

SOURCES, MINUTES, WINDOWS = 300, 30, 60
DAYS = 28
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def plant() -> Plant:
    """Of 300 machines with a source each."""
    machines = [
        {"name": f"m{number}", "bundle": "b", "sources": [{"name": f"s{number}", "device": ""}]}
        for number in range(SOURCES)
    ]
    return Plant.model_validate({"plant": "hall", "machine": machines})


def minute(source_id: str, release_id: str, place: int) -> MinuteHeard:
    """A minute of running sound."""
    scores = np.random.default_rng(place).normal(size=WINDOWS).astype(np.float32)
    at = NOW + timedelta(minutes=place)
    highest = float(scores.max())
    return MinuteHeard(
        source_id, release_id, at, scores, highest, (highest,), place + 1, -30.0, 60.0, 0.0,
        "running", "",
    )  # fmt: skip


def measured(name: str, do: Callable[[], object]) -> None:
    """Do it, and print how long that took."""
    began = time.perf_counter()
    do()
    print(f"{name}: {1000 * (time.perf_counter() - began):.0f} ms")


def measure(database: Database) -> None:
    """Write minutes of all sources, then four weeks of one, and recall its account."""
    file = plant()
    facts = {each.name: BundleFacts("i", "e", "p") for each in file.machine}
    with database.writing() as session:
        ids = register(session, file, facts, NOW)
    pairs = list(zip(ids.sources.values(), ids.releases.values(), strict=True))
    took = []
    for place in range(MINUTES):
        minutes = [minute(*pair, place) for pair in pairs]
        began = time.perf_counter()
        with database.writing() as session:
            write_all(session, minutes)
        took.append(1000 * (time.perf_counter() - began))
    middle, worst = np.median(took), max(took)
    print(
        f"a minute of {SOURCES} sources: {middle:.0f} ms (median of {MINUTES}, worst {worst:.0f})"
    )
    source_id, release_id = pairs[0]
    for day in range(DAYS):
        span = range(MINUTES + 1440 * day, MINUTES + 1440 * (day + 1))
        with database.writing() as session:
            write_all(session, [minute(source_id, release_id, place) for place in span])
    with database.reading() as session:
        measured(f"an account of {DAYS} days", lambda: account_of(session, source_id, release_id))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("postgresql", nargs="?")
    postgresql: str | None = arguments.parse_args().postgresql
    with tempfile.TemporaryDirectory() as folder:
        for url in ("sqlite", *([postgresql] if postgresql else [])):
            print(url.split(":")[0])
            database = open_database(url, Path(folder))
            measure(database)
            database.close()


if __name__ == "__main__":
    main()
