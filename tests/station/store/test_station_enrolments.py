"""Enrolments are remembered by either database: one of a name, one step at a time, no name lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from made_up_heard import NOW, PLANT, Heard
from rattle.errors import DataError
from rattle.station.ids import new_id
from rattle.station.store.database import Database
from rattle.station.store.enrolments import (
    Enrolment,
    adopt,
    begin,
    change,
    enrolment,
    enrolments,
)
from rattle.station.store.leases import time_of
from rattle.station.store.tables import AuditRow, EnrolmentRow, StationRow


def new(name: str = "saw", node: str = "a:/data", **changes: Any) -> Enrolment:
    config = {"name": name, "sources": [{"name": f"{name} mic", "push": {"token": "env:T"}}]}
    usual: dict[str, Any] = {"wanted_s": 1200.0, "at_once": False, "created": NOW, "who": "ann"}
    given = {"state": "recording", "encoder": "e" * 64, "config": config, **usual, **changes}
    return Enrolment(id=new_id(NOW), node=node, name=name, **given)


def begun(database: Database, each: Enrolment) -> Enrolment:
    with database.writing() as session:
        begin(session, each, [source["name"] for source in each.config["sources"]])
    return each


def test_what_is_begun_is_read_again_with_who_did_it(database: Database) -> None:
    each = begun(database, new())
    with database.reading() as session:
        assert enrolment(session, each.id) == each
        assert enrolments(session) == [each]
        (done,) = session.scalars(select(AuditRow))
    assert (done.who, done.what, done.detail["machine"]) == ("ann", "enrol", "saw")


@pytest.mark.parametrize("name", ["saw", "SAW"])
def test_no_two_have_one_name(database: Database, name: str) -> None:
    begun(database, new())
    with pytest.raises(DataError, match="is called"):
        begun(database, new(name))


def test_none_is_called_as_a_machine_or_a_source_of_the_plant(
    database: Database, heard: Heard
) -> None:
    machine = PLANT.machine[0]
    with pytest.raises(DataError, match=f"a machine of this plant is called {machine.name}"):
        begun(database, new(machine.name))
    config = {"name": "saw", "sources": [{"name": machine.sources[0].name, "device": ""}]}
    with pytest.raises(DataError, match="a source of this plant is called"):
        begun(database, new(config=config))


def test_the_database_itself_holds_one_of_a_name(database: Database) -> None:
    each = begun(database, new())
    row = {**vars(each), "id": new_id(NOW + timedelta(seconds=1)), "config": dict(each.config)}
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(EnrolmentRow(**row))


def test_a_name_is_free_once_it_was_discarded(database: Database) -> None:
    each = begun(database, new())
    with database.writing() as session:
        change(session, each.id, "discarded", ["recording"])
    again = begun(database, new())
    with database.reading() as session:
        assert enrolments(session) == [again]


def test_a_step_is_taken_from_where_it_may_be_alone(database: Database) -> None:
    each = begun(database, new())
    with database.writing() as session:
        change(session, each.id, "fitting", ["recording", "failed"])
    busy = pytest.raises(DataError, match="getting its detector at this moment")
    with busy, database.writing() as session:
        change(session, each.id, "fitting", ["recording", "failed"])
    with database.writing() as session:
        made = change(session, each.id, "offered", ["fitting"], report={"clips": 12})
    assert made == replace(each, state="offered", report={"clips": 12})


def test_one_that_is_not_there_is_said(database: Database) -> None:
    with pytest.raises(DataError, match="there is no enrolment"), database.writing() as session:
        change(session, "0" * 26, "fitting", ["recording"])
    with database.reading() as session:
        assert enrolment(session, "0" * 26) is None


def test_a_station_has_those_whose_recordings_it_has(database: Database) -> None:
    """Its folder was moved, or it was restored elsewhere: it is called otherwise now."""
    moved, elsewhere = begun(database, new()), begun(database, new("mill"))
    with database.writing() as session:
        adopt(session, "b:/moved", [moved.id], NOW)
    with database.reading() as session:
        assert [each.id for each in enrolments(session, "b:/moved")] == [moved.id]
        assert [each.id for each in enrolments(session, "a:/data")] == [elsewhere.id]


def test_what_another_living_station_has_is_left_to_it(database: Database) -> None:
    each = begun(database, new())
    with database.writing() as session:
        until = time_of(session, NOW) + timedelta(seconds=30)
        row = StationRow(node="a:/data", name="a", address="", until=until, sources=[], hears=[])
        session.add(row)
    with database.writing() as session:
        adopt(session, "b:/data", [each.id], NOW)
    with database.reading() as session:
        (found,) = enrolments(session)
    # SQLite is of one station.
    assert found.node == ("b:/data" if database.engine.dialect.name == "sqlite" else "a:/data")
