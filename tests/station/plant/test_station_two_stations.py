"""Two stations on one PostgreSQL, each killed in turn while alarms go on: nothing lost or doubled.

Real processes; a lease of six seconds in place of thirty.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plant_kit import waited_for
from sqlalchemy import select
from stations_kit import Stations, alarms, held, kept_by

from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.tables import (
    IncidentRow,
    MachineRow,
    SourceRow,
    StationRow,
)


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
