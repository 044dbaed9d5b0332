"""A station of two machines on one database, to be killed: each hears its sound by the clock.

healthy, but in some seconds of each minute a leak: the same for every station that hears it
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from rattle.listening.source import Block
from rattle.station.clock import utc_now
from rattle.station.config.model import Plant as PlantFile
from rattle.station.learn import incidents
from rattle.station.plant import holding
from rattle.station.plant import station as station_module
from rattle.station.plant.station import Plant
from rattle.station.store import jobs, scribe
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server

RATE_HZ = 16_000
BLOCK_S = 0.25


@dataclass
class Clockwork:
    """Sound that is a function of the time: two who listen hear the same."""

    healthy: np.ndarray
    odd: np.ndarray
    switch: Path
    name: str = "clockwork"
    live: bool = True
    closed: Event = field(default_factory=Event)

    def connect(self) -> Clockwork:
        return self

    def blocks(self) -> Iterator[Block]:
        length = round(BLOCK_S * RATE_HZ)
        while not self.closed.wait(BLOCK_S):
            sound = self.odd if self.switch.exists() else self.healthy
            first = round(time.time() / BLOCK_S) * length % (len(sound) - length)
            yield Block(sound[first : first + length, None].astype(np.float32), RATE_HZ)

    def close(self) -> None:
        self.closed.set()


def file_of(url: str, folder: Path, bundle: Path, machines: int) -> PlantFile:
    table: list[dict[str, Any]] = [
        {
            "name": f"fan {number}",
            "bundle": bundle,
            "sources": [{"name": f"mic {number}", "url": "made://up"}],
        }
        for number in range(machines)
    ]
    return PlantFile.model_validate(
        {"plant": "hall", "data": folder, "database": url, "machine": table}
    )


def _serve(plant: Plant, port: int) -> None:
    web = plant.file.web.model_copy(update={"bind": f"127.0.0.1:{port}"})
    file = plant.file.model_copy(update={"web": web})
    context = Context(file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now)
    Server(build_app(context)).start()


def main(url: str, folder: Path, bundle: Path, sounds: Path, lease_s: float, port: int = 0) -> None:
    if lease_s:
        holding.LEASE = station_module.LEASE = timedelta(seconds=lease_s)
        station_module.HOLD_EVERY_S = lease_s / 6
        station_module.ELSEWHERE_EVERY_S = 0.5
    scribe.EVERY_S = 0.2
    held = np.load(sounds)
    switch = sounds.with_suffix(".odd")
    plant = Plant(
        file_of(url, folder, bundle, 4),
        opens=lambda *_: Clockwork(held["healthy"], held["odd"], switch),
    )
    plant.start()
    if port:
        incidents.TEST_SHARE = 10**12
        jobs.SETTLES = timedelta(0)
        jobs.LEASE = timedelta(seconds=lease_s)
        _serve(plant, port)
    sys.stdout.write(f"started {datetime.now(UTC).isoformat()}\n")
    sys.stdout.flush()
    for _ in sys.stdin:  # until the test closes it
        break
    plant.stop()


if __name__ == "__main__":
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        Path(sys.argv[3]),
        Path(sys.argv[4]),
        float(sys.argv[5]),
        *map(int, sys.argv[6:]),
    )
