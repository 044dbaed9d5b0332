"""Stations of four machines on one PostgreSQL, as processes that can be killed.

A lease of six seconds in place of thirty.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from rattle.station.store.database import Database
from rattle.station.store.tables import ClipRow, IncidentRow, SourceRow

HERE = Path(__file__).parent
LEASE_S = 6.0


class Stations:
    """The processes; each has a data folder of its own, so they are two on one computer."""

    def __init__(self, url: str, folder: Path, bundle: Path, sounds: Path) -> None:
        self._words = (url, folder, bundle, sounds)
        self.lease_s = LEASE_S
        self._children: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, port: int = 0) -> None:
        """Start one; with a port it serves its page there."""
        url, folder, bundle, sounds = self._words
        paths = [str(HERE.parents[1]), *sys.path]
        words = [url, folder / name, bundle, sounds, self.lease_s, port]
        child = subprocess.Popen(
            [sys.executable, str(HERE / "station_child.py"), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert child.stdout is not None
        assert child.stdout.readline().startswith("started")
        self._children[name] = child

    def kill(self, name: str) -> None:
        with self._children.pop(name) as child:
            child.send_signal(signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        self._children[name].send_signal(number)

    def stop(self, name: str) -> None:
        with self._children.pop(name) as child:
            child.communicate("\n")

    def end(self) -> None:
        for name in [*self._children]:
            self.kill(name)


def held(database: Database) -> Counter[str]:
    """How many sources each station holds at this moment, by the name of its data folder."""
    with database.reading() as session:
        rows = session.execute(select(SourceRow.node, SourceRow.node_until)).all()
    now = datetime.now(UTC)
    return Counter(node.rsplit("/")[-1] for node, until in rows if node and until > now)


def alarms(database: Database) -> dict[str, str]:
    """The incidents of machines, by id, and which machine each is of."""
    with database.reading() as session:
        of = select(IncidentRow.id, IncidentRow.subject).where(IncidentRow.kind == "machine")
        return dict(session.execute(of).all())


def kept_by(database: Database) -> set[str]:
    """Whose folders recordings are in."""
    with database.reading() as session:
        nodes = session.scalars(select(ClipRow.node).where(ClipRow.incident_id.is_not(None)))
        return {node.rsplit("/")[-1] for node in nodes if node is not None}
