"""A plant behind a real server, and real workers of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from plant_kit import RATE_HZ, rows

from rattle.station.clock import utc_now
from rattle.station.plant.station import Plant
from rattle.station.records import NormalHeard
from rattle.station.store import kept_sound
from rattle.station.store.tables import JobRow, ReleaseRow
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.server import Server

SRC = Path(__file__).parents[3] / "src"


@contextlib.contextmanager
def served(plant: Plant, bind: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve a plant's page and API; gives the address."""
    web = plant.file.web.model_copy(update={"bind": bind})
    file = plant.file.model_copy(update={"web": web})
    context = Context(file, plant.database, plant.board, plant.hub, plant, plant.encoders, utc_now)
    server = Server(build_app(context))
    try:
        yield server.start()
    finally:
        server.stop()


@contextlib.contextmanager
def worker(*addresses: str, ray: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run ``rattle station-worker`` for stations until the block ends, on a cluster if given."""
    words = [sys.executable, "-m", "rattle", "station-worker", "--station", *addresses]
    child = subprocess.Popen(
        [*words, "--device", "cpu", *(() if ray is None else ("--ray", ray))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def keep_pieces(plant: Plant, healthy: np.ndarray, hours: int) -> None:
    """Keep ten seconds of every ten minutes of the last hours, and tell it is of one machine."""
    (source,) = plant.board.sources()
    end = datetime.now(UTC) - timedelta(hours=1)
    length = 10 * RATE_HZ
    for number in range(6 * hours):
        first = number * RATE_HZ % (len(healthy) - length)
        start = end - timedelta(minutes=10 * number)
        samples = healthy[first : first + length, None].astype(np.float32)
        kept_sound.keep(plant.file.data, NormalHeard(source, start, RATE_HZ, samples))


def jobs(plant: Plant, *states: str) -> list[Any]:
    """The trainings in one of these states."""
    return [row for row in rows(plant, JobRow) if row.state in states]


def encoder(plant: Plant) -> ReleaseRow | None:
    """The encoder that was made last, once its gate has spoken."""
    made = [row for row in rows(plant, ReleaseRow) if row.kind == "encoder" and row.gate]
    return made[-1] if made else None
