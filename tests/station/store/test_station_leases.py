"""A machine is listened to by one of the stations that share a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from made_up_heard import MINUTE, NOW, Heard
from rattle.errors import DataError
from rattle.station.plant.sharing import share_out
from rattle.station.records import IncidentChanged
from rattle.station.store.database import Database
from rattle.station.store.leases import (
    FORGOTTEN_AFTER,
    Held,
    ShareOut,
    hold,
    join,
    leave,
    of_own_sources,
    part,
    renew,
)
from rattle.station.store.rows import ClipDropped, SourcesLeft, Written
from rattle.station.store.scribe import Scribe
from rattle.station.store.sound_files import SoundFiles
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MachineRow,
    MinuteRow,
    SourceRow,
    StationRow,
)
from rattle.station.store.writing import write, write_all

LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time it is for all stations is what the test says."""
    monkeypatch.setattr("rattle.station.store.leases.time_of", lambda _session, now: now)


@dataclass
class Made:
    """A station that tells what it was told; the machine's turn is by ``of``."""

    database: Database
    node: str
    machines: Mapping[str, list[str]]
    of: dict[str, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    share_out: ShareOut | None = None

    def join(self, at: datetime = NOW) -> None:
        sources = [source for sources in self.machines.values() for source in sources]
        with self.database.writing() as session:
            join(session, self.node, self.node, f"http://{self.node}", sources, at, at + LEASE)

    def look(self, at: datetime, *, leaving: Collection[str] = (), may_take: bool = True) -> Held:
        def choose(could: Mapping[str, Collection[str]]) -> dict[str, str]:
            return {
                machine: self.of.get(machine, "one")
                if self.of.get(machine, "one") in nodes
                else next(iter(nodes))
                for machine, nodes in could.items()
                if nodes
            }

        with self.database.writing() as session:
            found = hold(
                session,
                self.node,
                self.machines,
                self.held,
                leaving,
                self.share_out or choose,
                at,
                LEASE,
                may_take=may_take,
            )
        self.held = (self.held | {*found.taken}) - {*found.lost}
        return found


@pytest.fixture
def machines(heard: Heard) -> dict[str, list[str]]:
    return {
        heard.machine_id: [heard.source_id],
        heard.other_machine_id: [heard.other_source_id],
    }


@pytest.fixture
def url(postgresql: Any) -> str:
    """Only PostgreSQL is shared."""
    return str(postgresql.empty())


@pytest.fixture
def both(database: Database, machines: dict[str, list[str]]) -> tuple[Made, Made]:
    """Two stations of the same file; each is to have one of the two machines."""
    fan, pump = machines
    of = {fan: "one", pump: "two"}
    one, two = (Made(database, node, machines, of) for node in ("one", "two"))
    one.join()
    two.join()
    return one, two


def nodes(database: Database) -> list[str | None]:
    with database.reading() as session:
        return list(session.scalars(select(SourceRow.node).order_by(SourceRow.id)))


def test_each_takes_its_share_and_only_once(both: tuple[Made, Made], database: Database) -> None:
    one, two = both
    fan, pump = one.machines
    assert one.look(NOW).taken == (fan,)
    assert two.look(NOW).taken == (pump,)
    assert one.look(NOW + LEASE / 2) == Held((), (), (), 1)
    assert nodes(database) == ["one", "two"]


def test_a_dead_stations_machines_are_free_when_its_lease_is_over(
    both: tuple[Made, Made], database: Database
) -> None:
    one, two = both
    fan, _ = one.machines
    one.look(NOW)
    two.look(NOW)
    assert two.look(NOW + LEASE / 2).taken == ()
    assert two.look(NOW + LEASE).taken == (fan,)
    assert nodes(database) == ["two", "two"]
    # It was not dead, and finds out that it holds the machine no more.
    found = one.look(NOW + LEASE + LEASE / 2)
    assert (found.taken, found.lost) == ((), (fan,))


def test_after_the_database_was_away_nothing_is_taken_before_the_others_could_speak(
    both: tuple[Made, Made],
) -> None:
    one, two = both
    one.look(NOW)
    two.look(NOW)
    assert two.look(NOW + LEASE, may_take=False).taken == ()
    assert one.look(NOW + LEASE).lost == ()


def test_who_comes_back_is_left_its_machine_once_no_incident_is_open(
    both: tuple[Made, Made], database: Database, heard: Heard
) -> None:
    one, two = both
    fan, _ = one.machines
    two.look(NOW + LEASE)
    assert len(two.held) == 2
    with database.writing() as session:
        write(session, incident := heard.incident())
    one.join(NOW + 2 * LEASE)
    later = NOW + 2 * LEASE
    assert two.look(later).to_leave == ()
    with database.writing() as session:
        write(session, heard.incident(id=incident.id, state="ended", ended=NOW))
    assert two.look(later).to_leave == (fan,)
    two.held.discard(fan)
    # What it told of it is still being written.
    assert two.look(later, leaving=[fan]).taken == one.look(later).taken == ()
    with database.writing() as session:
        write_all(session, [SourcesLeft("two", tuple(two.machines[fan])), heard.minute(3)])
    assert one.look(later).taken == (fan,)


def test_who_ends_leaves_all_at_once(both: tuple[Made, Made], database: Database) -> None:
    one, two = both
    one.look(NOW)
    two.look(NOW)
    with database.writing() as session:
        part(session, "one", NOW)
    assert len(two.look(NOW + timedelta(seconds=1)).taken) == 1
    assert nodes(database) == ["two", "two"]


def test_stations_whose_files_overlap_agree_on_owners_and_no_machine_moves(
    database: Database,
) -> None:
    all_ = [(f"machine {number:02}", [f"source {number:02}"]) for number in range(30)]
    with database.writing() as session:
        for machine, (source,) in all_:
            of: dict[str, Any] = {"name": machine, "listed": True, "place": 0, "running": "always"}
            session.add(MachineRow(id=machine, budget_per_week=1.0, **of))
            session.flush()
            of = {"machine_id": machine, "name": source, "kind": "url", "place": "", "listed": True}
            session.add(SourceRow(id=source, **of))
    # Each two have ten machines in common, and no file names all.
    files = {"one": all_[:20], "two": all_[10:], "three": all_[20:] + all_[:10]}
    stations = [
        Made(database, node, dict(file), share_out=share_out) for node, file in files.items()
    ]
    for each in stations:
        each.join()
    for each in stations:
        each.look(NOW)
    assert sum(len(each.held) for each in stations) == 30
    assert set().union(*(each.held for each in stations)) == dict(all_).keys()
    for number in range(10):
        for each in stations:
            assert each.look(NOW + number * LEASE / 6) == Held((), (), (), 2)


def test_renewing_and_leaving_are_of_ones_own_sources_alone(
    both: tuple[Made, Made], database: Database
) -> None:
    one, two = both
    one.look(NOW)
    two.look(NOW)
    ids = [source for sources in one.machines.values() for source in sources]
    with database.writing() as session:
        renew(session, "one", NOW + LEASE, LEASE)
        leave(session, "two", ids[:1])
        assert session.get_one(SourceRow, ids[0]).node_until == NOW + 2 * LEASE
        assert session.get_one(SourceRow, ids[1]).node_until == NOW + LEASE
        leave(session, "two", ids)
    assert nodes(database) == ["one", None]


def test_what_another_station_hears_by_now_is_not_written(
    both: tuple[Made, Made], database: Database, heard: Heard
) -> None:
    one, _ = both
    one.look(NOW)
    own, lost = heard.minute(), heard.minute(source_id=heard.other_source_id)
    dropped = ClipDropped("incident", "why")
    with database.reading() as session:
        records = [own, lost, heard.incident(), heard.threshold(), dropped]
        left = of_own_sources(session, "one", records)
        assert left == [each for each in records if each is not lost]
        assert of_own_sources(session, "two", records) == [dropped]


def test_the_scribe_writes_of_what_its_station_holds_and_says_whose_recordings_are(
    both: tuple[Made, Made], database: Database, heard: Heard, tmp_path: Path
) -> None:
    one, _ = both
    one.look(NOW)
    told: list[Written] = []
    files = SoundFiles(tmp_path, "keep", spare_bytes=0)
    scribe = Scribe(database, files, told.extend, node="one")
    own = heard.incident()
    others = heard.incident(
        machine_id=heard.other_machine_id,
        subject=heard.other_machine_id,
        source_id=heard.other_source_id,
    )
    for record in (own, others, heard.clip(own), heard.minute(source_id=heard.other_source_id)):
        scribe.put(record)
    scribe.start()
    assert scribe.stop(20.0) == 0
    with database.reading() as session:
        assert session.scalars(select(IncidentRow.id)).all() == [own.id]
        assert session.scalars(select(ClipRow.node)).all() == ["one"]
        assert session.scalars(select(MinuteRow)).all() == []
    # Pages are told of what was written alone.
    assert [each.id for each in told if isinstance(each, IncidentChanged)] == [own.id]


def test_stations_of_other_machines_do_not_unlist_each_others(
    database: Database, machines: dict[str, list[str]]
) -> None:
    fan, pump = machines
    Made(database, "one", {fan: machines[fan]}).join()
    Made(database, "two", {pump: machines[pump]}).join()
    with database.reading() as session:
        assert all(session.scalars(select(MachineRow.listed)))
        assert all(session.scalars(select(SourceRow.listed)))
    # One that was not there for a week is none of the plant's any more.
    Made(database, "two", {pump: machines[pump]}).join(NOW + LEASE + FORGOTTEN_AFTER + MINUTE)
    with database.reading() as session:
        assert not session.get_one(MachineRow, fan).listed
        assert session.scalars(select(StationRow.node)).all() == ["two"]


def test_a_machine_with_other_sources_in_another_stations_file_is_refused(
    database: Database, heard: Heard
) -> None:
    with database.writing() as session:
        row = session.get_one(SourceRow, heard.other_source_id)
        row.machine_id = heard.machine_id
    sources = [heard.source_id, heard.other_source_id]
    Made(database, "one", {heard.machine_id: sources}).join()
    with pytest.raises(DataError, match="machine fan: the station one has it, too, with other"):
        Made(database, "two", {heard.machine_id: sources[:1]}).join()
    with database.reading() as session:
        assert session.scalars(select(StationRow.node)).all() == ["one"]


@pytest.mark.parametrize("url", ["sqlite"])
def test_a_sqlite_file_is_of_one_station_whatever_it_was_called(
    database: Database, machines: dict[str, list[str]]
) -> None:
    fan, pump = machines
    Made(database, "old name", {fan: machines[fan]}).join()
    Made(database, "new name", {pump: machines[pump]}).join()
    with database.reading() as session:
        assert session.scalars(select(StationRow.node)).all() == ["new name"]
        assert not session.get_one(MachineRow, fan).listed
