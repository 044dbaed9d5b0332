"""A station shows what the others hear, and knows of reviews that were given there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from made_up_heard import NOW, Heard
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.events import Hub
from rattle.station.plant.elsewhere import Elsewhere
from rattle.station.store import reviews
from rattle.station.store.database import Database, open_database
from rattle.station.store.leases import join
from rattle.station.store.tables import SourceRow, StationRow
from rattle.station.store.writing import write

LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rattle.station.plant.elsewhere.time_of", lambda _session, now: now)


@pytest.fixture
def database(postgresql: Any, tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(postgresql.empty(), tmp_path)) as opened:
        yield opened


@dataclass
class Side:
    """A station's board, and what its pages and budgets were told."""

    database: Database
    node: str
    held: set[str] = field(default_factory=set)
    reviewed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    board: Board = field(default_factory=Board)
    hub: Hub = field(default_factory=Hub)

    def __post_init__(self) -> None:
        self.now = NOW
        self.page = self.hub.subscribe(lambda: None)
        self.elsewhere = Elsewhere(
            self.database,
            self.node,
            self.board,
            self.hub,
            self.held,
            self.reviewed.extend,
            self.gone.append,
            lambda: self.now,
        )
        with self.database.reading() as session:
            self.names([*session.scalars(select(SourceRow.id))])

    def names(self, sources: list[str]) -> None:
        """Say that it is there, with these sources in its file."""
        with self.database.writing() as session:
            join(session, self.node, self.node, f"http://{self.node}", sources, NOW, NOW + LEASE)

    def events(self) -> list[str]:
        return [event.kind for event in self.page.take()]


@pytest.fixture
def fan(database: Database) -> MachineNow:
    """A machine that is heard, in alarm."""
    heard = Heard.of(database)
    source = SourceNow(
        heard.source_id,
        "cam",
        heard.machine_id,
        "url",
        "rtsp://c",
        state="live",
        since=NOW,
        heard_at=NOW,
        score=2.5,
        y=2.0,
        alarm=1.5,
    )
    return MachineNow(
        heard.machine_id, "fan", 1.0, "always", heard.release_id, (source,), "alarm", "incident"
    )


@pytest.fixture
def sides(database: Database, fan: MachineNow) -> tuple[Side, Side]:
    """One station hears the fan, the other has told once that it is there."""
    one, two = Side(database, "one"), Side(database, "two")
    one.held.add(fan.id)
    one.board.add(fan)
    one.elsewhere.look()
    return one, two


def test_a_page_shows_what_another_station_hears(sides: tuple[Side, Side], fan: MachineNow) -> None:
    one, two = sides
    two.elsewhere.look()
    assert two.board.machines() == [replace(fan, station="one", address="http://one")]
    assert two.events() == ["source", "machine", "incident", "score"]
    two.elsewhere.look()
    assert two.events() == []
    one.board.set_source(fan.sources[0].id, y=3.0, heard_at=NOW + timedelta(seconds=1))
    one.elsewhere.look()
    two.elsewhere.look()
    assert two.events() == ["score"]
    assert two.board.machines()[0].sources[0].y == 3.0


def test_what_this_station_hears_itself_is_its_own(
    sides: tuple[Side, Side], fan: MachineNow
) -> None:
    _, two = sides
    two.held.add(fan.id)
    two.board.add(here := replace(fan, level=None))
    two.elsewhere.look()
    assert two.board.machines() == [here]


def test_a_station_that_is_gone_is_said_and_what_it_heard_is_lost(
    sides: tuple[Side, Side],
) -> None:
    _, two = sides
    two.elsewhere.look()
    assert [(each.name, each.is_here, each.is_there) for each in two.elsewhere.stations] == [
        ("one", False, True),
        ("two", True, True),
    ]
    two.now = NOW + LEASE
    two.elsewhere.look()
    (machine,) = two.board.machines()
    (source,) = machine.sources
    assert (source.state, source.y) == ("lost", None)
    assert source.reason == "its station one has not been there since 2026-03-01 12:00 UTC"
    assert [each.is_there for each in two.elsewhere.stations] == [False, False]


def test_a_machine_that_no_station_names_any_more_is_gone(
    sides: tuple[Side, Side], fan: MachineNow
) -> None:
    one, two = sides
    two.names([])
    two.elsewhere.look()
    assert (two.gone, [each.id for each in two.board.machines()]) == ([], [fan.id])
    one.names([])
    # It is in the row of the one still, which has not told anew.
    looks = Side(two.database, "looking")
    looks.names([])
    for side in (two, looks):
        side.elsewhere.look()
    assert (two.gone, looks.gone, looks.board.machines()) == ([fan.id], [], [])
    one.elsewhere.look()
    assert one.gone == []  # it hears it until its holding lets it go


def test_of_two_that_tell_of_a_machine_the_living_one_is_shown(
    sides: tuple[Side, Side], database: Database, fan: MachineNow
) -> None:
    one, _ = sides
    # It comes later by its name, and died: what it said last stays in its row.
    dead = Side(database, "zwei")
    dead.held.add(fan.id)
    dead.board.add(replace(fan, level=None, incident_id=None))
    dead.elsewhere.look()
    with database.writing() as session:
        session.get_one(StationRow, "zwei").until = NOW - LEASE
    looks = Side(database, "looking")
    for seconds, events in ((0, ["source", "machine", "incident", "score"]), (2, ["score"])):
        one.board.set_source(fan.sources[0].id, heard_at=NOW + timedelta(seconds=seconds))
        one.elsewhere.look()
        looks.elsewhere.look()
        (machine,) = looks.board.machines()
        assert (machine.station, machine.level) == ("one", "alarm")
        assert [each.state for each in machine.sources] == ["live"]
        assert looks.events() == events


def test_a_review_that_was_given_elsewhere_is_told_once(
    sides: tuple[Side, Side], database: Database, fan: MachineNow
) -> None:
    one, _ = sides
    incident = Heard.of(database).incident()
    with database.writing() as session:
        write(session, incident)
        reviews.add(session, [incident.id], "normal", "ann", NOW)
    one.elsewhere.look()
    one.elsewhere.look()
    assert one.reviewed == [incident.id]


def test_a_station_alone_writes_nothing_of_itself(database: Database, fan: MachineNow) -> None:
    one = Side(database, "one")
    one.held.add(fan.id)
    one.board.add(fan)
    one.elsewhere.look()
    with database.reading() as session:
        assert session.get_one(StationRow, "one").hears == []


def test_what_a_newer_version_says_besides_is_left_out(
    sides: tuple[Side, Side], database: Database, fan: MachineNow
) -> None:
    _, two = sides
    with database.writing() as session:
        row = session.get_one(StationRow, "one")
        (said,) = row.hears
        sources = [{**source, "colour": "red"} for source in said["sources"]]
        row.hears = [{**said, "sources": sources, "mood": "good"}]
    two.elsewhere.look()
    assert [machine.name for machine in two.board.machines()] == [fan.name]
