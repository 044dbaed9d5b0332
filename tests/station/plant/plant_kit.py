"""A plant of one machine with a tiny detector, whose sound the test gives."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from rattle.listening.source import Block
from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Plant as PlantFile
from rattle.station.plant.beginning import enter, take
from rattle.station.plant.releases import take_into_use
from rattle.station.plant.station import Plant
from rattle.station.store import reviews
from rattle.station.store.database import open_database
from rattle.station.store.tables import Base, IncidentRow, MinuteRow

RATE_HZ = 16_000
HEARD = 3000
PATIENCE_S = 60.0


@dataclass
class Given:
    """A source that gives what the test puts, at once, until it is closed."""

    name: str = "given"
    live: bool = True
    blocks_put: queue.Queue[Block | None] = field(default_factory=queue.Queue)

    def connect(self) -> Given:
        return self

    def blocks(self) -> Iterator[Block]:
        while (block := self.blocks_put.get()) is not None:
            yield block

    def close(self) -> None:
        self.blocks_put.put(None)

    def put(self, sound: np.ndarray, begins: datetime) -> datetime:
        """Give sound that began then, a quarter of a second at a time; says when it ends."""
        step = RATE_HZ // 4
        for first in range(0, len(sound), step):
            piece = sound[first : first + step, None].astype(np.float32)
            end = begins + timedelta(seconds=(first + len(piece)) / RATE_HZ)
            self.blocks_put.put(Block(piece, RATE_HZ, at=end))
        return begins + timedelta(seconds=len(sound) / RATE_HZ)


def plant_file(folder: Path, bundle: Path, **changes: Any) -> PlantFile:
    machine = {"name": "fan", "bundle": bundle, "sources": [{"name": "mic", "url": "made://up"}]}
    return PlantFile.model_validate(
        {"plant": "hall", "data": folder, "machine": [machine | changes]}
    )


def started(file: PlantFile, source: Given) -> Plant:
    plant = Plant(file, opens=lambda *_: source)
    plant.start()
    return plant


def remember_minutes(file: PlantFile, level: float) -> None:
    """Let the plant begin with fifty hours of running, whose highest Y were about ``level``.

    They end five minutes ago: what the test gives comes after them.
    """
    now = datetime.now(UTC)
    database = open_database(file.database.get_secret_value(), file.data)
    releases = {
        machine.name: take_into_use(machine.bundle, file.data / "releases")
        for machine in file.machine
    }
    minutes = level + np.random.default_rng(0).gumbel(0, 1e-3, HEARD)
    with database.writing() as session:
        enter(session, file, now)
        ids = take(session, file, file.machine, releases, now).ids
        rows = [
            {
                "source_id": ids.sources[source.name],
                "at": (now - timedelta(minutes=HEARD + 5 - at)).replace(second=0, microsecond=0),
                "release_id": ids.releases[machine.name],
                "scores": np.empty(0, np.float32),
                "highest": float(minute),
                "minutes": np.array([minute]),
                "heard": at + 1,
                "level_db": None,
                "running_s": 60.0,
                "lost_s": 0.0,
                "operating": "running",
                "fitness": "",
            }
            for machine in file.machine
            for source in machine.sources
            for at, minute in enumerate(minutes)
        ]
        session.execute(insert(MinuteRow), rows)
    database.close()


def between(bundle: Path, healthy: np.ndarray, odd: np.ndarray) -> float:
    """A score above all windows of the one sound and below all of the other."""
    scored = Scorer.load(bundle).score([healthy.astype(np.float32), odd.astype(np.float32)])
    low = max(window.score for window in scored[0].windows)
    high = min(window.score for window in scored[1].windows)
    assert 4 * low < high
    return 2 * low


def waited_for(found: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """What is found, as soon as it is anything."""
    until = time.monotonic() + within_s
    while not (result := found()):
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.05)
    return result


def rows(plant: Plant, table: type[Base]) -> list[Any]:
    with plant.database.reading() as session:
        return list(session.scalars(select(table)))


def incident(plant: Plant) -> IncidentRow | None:
    return next(iter(rows(plant, IncidentRow)), None)


def say(plant: Plant, verdict: str) -> str:
    """Let anna say what the alarm was, as soon as there is one; gives the review."""
    found: Any = waited_for(
        lambda: next((r for r in rows(plant, IncidentRow) if r.level == "alarm"), None)
    )
    with plant.database.writing() as session:
        (review,) = reviews.add(session, [found.id], verdict, "anna", datetime.now(UTC), "leak")
    plant.reviewed([found.id])
    return review
