"""A database that the first version wrote is brought to this one with all that is in it."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from made_up_heard import NOW
from rattle.station.ids import new_id
from rattle.station.store.backup import back_up, restore
from rattle.station.store.backup.stored_rows import tables_of
from rattle.station.store.database import Database, engine_of, open_as_it_is, open_database
from rattle.station.store.history import account_of, open_incidents
from rattle.station.store.migrate import bring_to
from rattle.station.store.reading import (
    accounts,
    incidents,
    minutes,
    plant,
    releases,
    reviews,
    wall,
)
from rattle.station.store.tables import Base, IncidentRow, MachineRow, ReviewRow, SourceRow

DUMP = Path(__file__).with_name("schema_0001.sql")
BEGIN = datetime(2026, 1, 1, 10, tzinfo=UTC)
Values = dict[str, list[dict[str, Any]]]


def of_first_version(url: str, folder: Path) -> None:
    """Make the database that ``schema_0001.sql`` states."""
    engine = engine_of(url, folder)
    with engine.begin() as connection:
        bring_to(connection, "0001")
        for line in DUMP.read_text("utf-8").splitlines():
            if not line.startswith("--"):
                is_postgresql = connection.dialect.name == "postgresql"
                said = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'", line) if is_postgresql else line
                connection.exec_driver_sql(said)
    engine.dispose()


def values_of(connection: Connection) -> Values:
    """All rows, in the order of their keys."""
    return {
        table.name: [
            dict(row._mapping)
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]
        for table in tables_of(connection)
    }


@pytest.fixture
def before(url: str, tmp_path: Path) -> Values:
    """What was there before the upgrade."""
    of_first_version(url, tmp_path)
    engine = engine_of(url, tmp_path)
    with engine.connect() as connection:
        found = values_of(connection)
    engine.dispose()
    return found


@pytest.fixture
def upgraded(url: str, before: Values, tmp_path: Path) -> Any:
    """The database after it."""
    with closing(open_database(url, tmp_path)) as database:
        yield database


def test_every_table_of_the_first_version_has_rows(before: Values) -> None:
    assert len(before) == 12
    assert all(before.values())


def test_every_row_is_there_with_the_values_that_it_had(before: Values, upgraded: Database) -> None:
    with upgraded.engine.connect() as connection:
        after = values_of(connection)
    assert after.keys() == Base.metadata.tables.keys()
    for name, rows in before.items():
        assert len(after[name]) == len(rows)
        for row, now in zip(rows, after[name], strict=True):
            assert now == {**now, **row}


def test_pages_read_what_was_heard(upgraded: Database) -> None:
    with upgraded.reading() as session:
        machine, fan = session.scalars(select(MachineRow).order_by(MachineRow.place))
        cam, mic, _ = session.scalars(select(SourceRow).order_by(SourceRow.id))
        found = incidents.incidents(session)
        alarm = next(each for each in found if each.level == "alarm")
        assert [each.kind for each in found] == ["machine", "machine", "source", "microphone"]
        assert (alarm.machine, alarm.source, alarm.threshold) == ("press 3", "cam", 2.5)
        assert (alarm.verdict, alarm.fault, alarm.comment) == (
            "anomaly",
            "bearing",
            "wird lauter – ü",
        )
        assert alarm.explanation is not None
        assert alarm.explanation["sentences"] == ["a tone at 3.1 kHz"]
        (clip,) = alarm.clips
        assert (clip.seconds, clip.missing) == (20.0, False)
        said = [each.verdict for each in incidents.reviews_of(session, alarm.id)]
        assert sorted(said) == ["anomaly", "normal", "undo"]
        (near,) = incidents.nearest(session, found[0].id)
        assert near.incident.id == alarm.id
        assert incidents.faults_named(session) == ["bearing"]
        assert [each.state for each in releases.releases(session, machine.id)] == [
            "live",
            "retired",
        ]
        assert len(plant.threshold_history(session, machine.id)) == 2
        assert fan.name == "fan-ü"
        heard = minutes.timeline(session, cam.id, BEGIN, BEGIN + timedelta(hours=1))
        assert heard
        assert len(wall.highest_since(session, BEGIN, [cam.id])[cam.id]) == 6
        assert len(accounts.audit(session)) == 2
        assert accounts.password_hash(session, "ann") is not None
        assert reviews.last_given(session, "bob")
        going_on = open_incidents(session, [machine.id, fan.id])
        assert {row.source_id for row in going_on} == {cam.id, mic.id}


def test_what_refers_to_a_table_that_was_made_anew_still_does(upgraded: Database) -> None:
    with upgraded.reading() as session:
        old = session.scalars(select(IncidentRow)).first()
        assert old is not None
        if session.get_bind().dialect.name == "sqlite":
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []

    def drift() -> IncidentRow:
        return IncidentRow(
            id=new_id(NOW),
            machine_id=old.machine_id,
            source_id=old.source_id,
            subject=old.source_id,
            kind="drift",
            level="watch",
            state="open",
            opened=NOW,
            reason="",
        )

    review = ReviewRow(id=new_id(NOW), incident_id="nobody", at=NOW, who="", verdict="normal")
    with upgraded.writing() as session:
        session.add(drift())
    # One of a kind and subject is open: the index came along, and so did the references.
    for row in (drift(), review):
        with pytest.raises(IntegrityError), upgraded.writing() as session:
            session.add(row)


def test_the_budget_goes_on_with_what_was_heard(upgraded: Database) -> None:
    with upgraded.reading() as session:
        cam = session.scalars(select(SourceRow).order_by(SourceRow.id)).first()
        assert cam is not None
        machine = session.get_one(MachineRow, cam.machine_id)
        assert machine.live_release_id is not None
        account = account_of(session, cam.id, machine.live_release_id)
    np.testing.assert_array_equal(account.minutes, [0.5, 1.5, 2.5, 3.5, 5.5])
    assert {level: each.value for level, each in account.thresholds.items()} == {
        "watch": 1.5,
        "alarm": 2.5,
    }
    assert [(each.level, each.verdict) for each in account.incidents] == [
        ("watch", "anomaly"),
        ("alarm", "anomaly"),
        ("watch", None),
    ]


def test_a_backup_of_the_first_version_is_restored_into_this_one(
    url: str, before: Values, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Backing up changes nothing of the database: an older version may still run on it."""
    back_up(url, tmp_path, "hall", tmp_path / "old.zip", NOW, lambda *_: None)
    database, schema = open_as_it_is(url, tmp_path)
    database.close()
    assert schema == "0001"
    other = request.getfixturevalue("postgresql").empty() if url == "sqlite" else "sqlite"
    restore(other, tmp_path / "new", tmp_path / "old.zip", lambda *_: None)
    with (
        closing(open_database(other, tmp_path / "new")) as restored,
        restored.engine.connect() as connection,
    ):
        after = values_of(connection)
    freed = {"source": {"node": None, "node_until": None}}  # nobody listens any more
    for name, rows in before.items():
        expected = [{**was, **freed.get(name, {})} for was in rows]
        assert [row == {**row, **was} for row, was in zip(after[name], expected, strict=True)] == [
            True
        ] * len(rows)
