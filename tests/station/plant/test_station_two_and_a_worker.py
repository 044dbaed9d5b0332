"""Two stations and a worker on one PostgreSQL, each killed in turn while alarms go on."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest
import requests
from plant_kit import waited_for
from sqlalchemy import select
from stations_kit import Stations, alarms, held, kept_by
from worker_kit import worker

from rattle.station.store.database import Database
from rattle.station.store.tables import ClipRow, IncidentRow, JobRow


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three trainings beside two stations take a while on a busy machine."""
    monkeypatch.setattr("plant_kit.PATIENCE_S", 400.0)


@pytest.fixture
def ports() -> dict[str, int]:
    """A free port of each."""
    found = {}
    with contextlib.ExitStack() as held_open:
        for name in ("one", "two"):
            listening = held_open.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            found[name] = listening.getsockname()[1]
    return found


def jobs(database: Database, *states: str) -> list[JobRow]:
    with database.reading() as session:
        return [*session.scalars(select(JobRow).where(JobRow.state.in_(states)))]


def done(database: Database, count: int) -> list[JobRow]:
    """The trainings that are done, once there are so many; none may fail."""
    failed = jobs(database, "failed")
    assert not failed, [job.log for job in failed]
    found = jobs(database, "done")
    return found if len(found) == count else []


def confirm(database: Database, address: str, node: str) -> str:
    """Confirm an incident whose recording a station has; gives its id."""
    with database.reading() as session:
        id_ = session.scalars(
            select(IncidentRow.id)
            .join(ClipRow, ClipRow.incident_id == IncidentRow.id)
            .where(ClipRow.node.endswith(f"/{node}"), IncidentRow.verdict.is_(None))
        ).first()
    told = {"incidents": [id_], "verdict": "anomaly"}
    requests.post(f"{address}/api/v1/reviews", json=told, timeout=20).raise_for_status()
    return str(id_)


def test_whoever_dies_the_trainings_are_done_and_no_incident_is_lost_or_doubled(
    stations: Stations, database: Database, tmp_path: Path, ports: dict[str, int]
) -> None:
    # Two stations, torch and a database share two cores: who is busy is not to count as dead.
    stations.lease_s = 20.0
    address = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    stations.start("one", ports["one"])
    stations.start("two", ports["two"])
    waited_for(lambda: held(database) == {"one": 2, "two": 2})
    (tmp_path / "sounds.odd").touch()
    waited_for(lambda: len(alarms(database)) == 4)
    began = alarms(database)
    waited_for(lambda: kept_by(database) == {"one", "two"})
    reviewed = [confirm(database, address[name], name) for name in ("one", "two")]
    waited_for(lambda: len(jobs(database, "waiting")) == 2)

    # The worker is killed in the middle of a training: another one does both.
    with worker(*address.values()) as first:
        (begun,) = waited_for(lambda: jobs(database, "running"))
        first.kill()
    with worker(*address.values()):
        found = waited_for(lambda: done(database, 2))
        assert {id_ for job in found for id_ in job.learnt} == set(reviewed)
        assert next(job.tries for job in found if job.id == begun.id) == 2

        # A station is killed: the other one has its machines, and its trainings are done.
        stations.kill("one")
        waited_for(lambda: held(database) == {"two": 4})
        assert alarms(database) == began
        confirm(database, address["two"], "two")
        waited_for(lambda: done(database, 3))

        # The other one is killed, and the first is back.
        stations.start("one", ports["one"])
        stations.kill("two")
        waited_for(lambda: held(database) == {"one": 4})
    assert alarms(database) == began
    assert not jobs(database, "failed")
