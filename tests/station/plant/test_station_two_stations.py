"""Two stations on one PostgreSQL, each killed in turn while alarms go on: nothing lost or doubled.

Real processes; a lease of six seconds in place of thirty.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plant_kit import between, remember_minutes, waited_for
from sqlalchemy import select
from station_child import file_of

from rattle.station.store.database import Database, open_database
from rattle.station.store.history import account_of
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MachineRow,
    SourceRow,
    StationRow,
)

HERE = Path(__file__).parent
LEASE_S = 6.0


class Stations:
    """The processes; each has a data folder of its own, so they are two on one computer."""

    def __init__(self, url: str, folder: Path, bundle: Path, sounds: Path) -> None:
        self._words = (url, folder, bundle, sounds)
        self._children: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str) -> None:
        url, folder, bundle, sounds = self._words
        paths = [str(HERE.parents[1]), *sys.path]
        words = [url, folder / name, bundle, sounds, LEASE_S]
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


@pytest.fixture
def stations(
    tmp_path: Path, postgresql: Any, exported_file: Path, healthy: np.ndarray, odd: np.ndarray
) -> Iterator[Stations]:
    """Machines that are known for fifty hours, and nobody who listens yet."""
    url = postgresql.empty()
    sounds = tmp_path / "sounds.npz"
    np.savez(sounds, healthy=healthy, odd=odd)
    file = file_of(url, tmp_path / "one", exported_file, 4)
    remember_minutes(file, between(exported_file, healthy, odd))
    stations = Stations(url, tmp_path, exported_file, sounds)
    yield stations
    stations.end()


@pytest.fixture
def database(stations: Stations, postgresql: Any, tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(postgresql.url, tmp_path / "looking")) as opened:
        yield opened


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


def hears(database: Database, node: str) -> list[Any]:
    """What a station says that it hears."""
    with database.reading() as session:
        rows = session.execute(select(StationRow.node, StationRow.hears)).all()
    return next(said for of, said in rows if of.endswith("/" + node))


def goes_on(database: Database, node: str) -> Callable[[], bool]:
    """Whether a station says of all four machines that it hears them, above their thresholds."""

    def look() -> bool:
        machines = hears(database, node)
        return len(machines) == 4 and all(
            source["y"] is not None and source["y"] > source["alarm"]
            for machine in machines
            for source in machine["sources"]
        )

    return look


def test_each_is_taken_over_and_no_incident_is_lost_or_doubled(
    stations: Stations, database: Database, tmp_path: Path
) -> None:
    stations.start("one")
    waited_for(lambda: held(database) == {"one": 4})
    stations.start("two")
    waited_for(lambda: held(database) == {"one": 2, "two": 2})
    (tmp_path / "sounds.odd").touch()
    waited_for(lambda: len(alarms(database)) == 4)
    began = alarms(database)
    assert len(set(began.values())) == 4
    waited_for(lambda: kept_by(database) == {"one", "two"})

    stations.kill("one")
    waited_for(lambda: held(database) == {"two": 4})
    stations.start("one")
    waited_for(goes_on(database, "two"))
    # It is back, and leaves machines with the one that has their incident in hand.
    assert held(database) == {"two": 4}
    assert alarms(database) == began

    stations.kill("two")
    waited_for(lambda: held(database) == {"one": 4})
    stations.start("two")
    waited_for(goes_on(database, "one"))
    assert alarms(database) == began
    with database.reading() as session:
        states = session.scalars(select(IncidentRow.state).where(IncidentRow.kind == "machine"))
        assert set(states) == {"open"}
        for machine in session.scalars(select(MachineRow)):
            (source,) = session.scalars(select(SourceRow).where(SourceRow.machine_id == machine.id))
            assert machine.live_release_id is not None
            account = account_of(session, source.id, machine.live_release_id)
            assert [each.level for each in account.incidents].count("alarm") == 1


def test_one_that_was_asleep_wakes_up_and_doubles_nothing(
    stations: Stations, database: Database, tmp_path: Path
) -> None:
    """What it tells of the sound that waited is of machines that are another's by then."""
    stations.start("one")
    stations.start("two")
    waited_for(lambda: held(database) == {"one": 2, "two": 2})
    stations.signal("one", signal.SIGSTOP)
    waited_for(lambda: held(database) == {"two": 4})
    (tmp_path / "sounds.odd").touch()
    waited_for(lambda: len(alarms(database)) == 4)
    began = alarms(database)
    stations.signal("one", signal.SIGCONT)
    waited_for(lambda: hears(database, "one") == [])
    waited_for(goes_on(database, "two"))
    assert alarms(database) == began
    assert held(database) == {"two": 4}
    with database.reading() as session:
        states = session.scalars(select(IncidentRow.state).where(IncidentRow.kind == "machine"))
        assert set(states) == {"open"}


def test_machines_are_shared_again_when_a_station_comes_back_and_when_it_ends(
    stations: Stations, database: Database
) -> None:
    stations.start("one")
    stations.start("two")
    waited_for(lambda: held(database) == {"one": 2, "two": 2})
    stations.stop("one")
    waited_for(lambda: held(database) == {"two": 4})
    stations.start("one")
    waited_for(lambda: held(database) == {"one": 2, "two": 2})
    assert alarms(database) == {}
