"""Opening the database, its migrations and its types."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Text, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from made_up_heard import NOW, Heard
from rattle.errors import DataError, StorageError
from rattle.station.store import migrate
from rattle.station.store.database import FILE, Database, open_database
from rattle.station.store.tables import (
    AuditRow,
    Base,
    IncidentRow,
    MachineRow,
    MinuteRow,
    ReviewRow,
)
from rattle.station.store.writing import write

TIMES = st.datetimes(
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.sampled_from([UTC]) | st.timezones(),
)


def test_tables_that_are_made_anew_keep_their_rows_and_what_refers_to_them(
    tmp_path: Path,
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / FILE}")
    with engine.begin() as connection:
        command.upgrade(migrate.configured(connection), "0001")
        for statement in (
            "INSERT INTO machine VALUES ('m', 'fan', 1.0, 'always', NULL, 0, 1)",
            "INSERT INTO source VALUES ('s', 'm', 'mic', 'push', '', 1, NULL, NULL)",
            "INSERT INTO incident (id, machine_id, source_id, subject, kind, level, state, opened,"
            " reason) VALUES ('i', 'm', 's', 'm', 'machine', 'watch', 'ended', 1, '')",
            "INSERT INTO review (id, incident_id, at, who, verdict)"
            " VALUES ('r', 'i', 2, 'ada', 'normal')",
        ):
            connection.execute(text(statement))
    engine.dispose()
    database = open_database("sqlite", tmp_path)
    with database.writing() as session:
        assert session.get_one(ReviewRow, "r").incident_id == "i"
        session.get_one(IncidentRow, "i").level = "moment"
    with database.reading() as session:
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text("DELETE FROM incident"))
    database.close()


def test_opened_twice_by_one_process_its_newest_rows_stay_whoever_else_closes_it(
    tmp_path: Path,
) -> None:
    database = open_database("sqlite", tmp_path)
    machine = Heard.of(database).machine_id
    open_database("sqlite", tmp_path).close()
    # Another process that takes itself for the last one removes what is not in the file yet.
    other = "import sys; from rattle.station.store.database import open_database as o;"
    other += "d = o('sqlite', __import__('pathlib').Path(sys.argv[1])); d.close()"
    subprocess.run([sys.executable, "-c", other, tmp_path], check=True)
    assert (tmp_path / f"{FILE}-wal").exists()
    with database.writing() as session:
        session.get_one(MachineRow, machine).budget_per_week = 7.0
    again = open_database("sqlite", tmp_path)
    with again.reading() as session:
        assert session.get_one(MachineRow, machine).budget_per_week == 7.0
    again.close()
    database.close()


def test_migrations_from_nothing_give_exactly_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            assert session.execute(select(table)).all() == []


def test_a_step_can_be_drafted_and_is_taken_where_it_is_missing(
    database: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, steps)
    monkeypatch.setattr(migrate, "FOLDER", steps)
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(metadata)
    metadata.tables["source"].append_column(Column("rack", Text))
    monkeypatch.setattr(Base, "metadata", metadata)
    with database.engine.begin() as connection:
        config = migrate.configured(connection)
        config.stdout = io.StringIO()
        command.revision(config, "Racks", autogenerate=True, rev_id="drafted")
    assert "rack" in next((steps / "versions").glob("drafted*")).read_text()
    again = open_database(url, tmp_path / "data")
    assert "rack" in {column["name"] for column in inspect(again.engine).get_columns("source")}
    again.close()


def test_a_database_is_opened_again_with_what_was_in_it(
    database: Database, url: str, tmp_path: Path
) -> None:
    heard = Heard.of(database)
    again = open_database(url, tmp_path / "data")
    with again.reading() as session:
        assert session.get(MachineRow, heard.machine_id) is not None
    assert again.size_bytes() > 10_000
    again.close()


def test_eight_stations_that_start_at_once_make_one_schema(url: str, tmp_path: Path) -> None:
    errors: list[Exception] = []

    def start() -> None:
        try:
            open_database(url, tmp_path).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    database: Database, url: str, tmp_path: Path
) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DataError, match=r"newer version of rattle \(schema 9999\)"):
        open_database(url, tmp_path / "data")
    with database.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_database_of_another_program_is_refused(
    database: Database, url: str, tmp_path: Path
) -> None:
    with database.writing() as session:
        session.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(DataError, match="holds a table account that is not the station's"):
        open_database(url, tmp_path / "data")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database, but long enough to be taken for one" * 50)
    with pytest.raises(DataError, match="is no database of the station"):
        open_database("sqlite", tmp_path)


@pytest.mark.parametrize(
    "url", ["mysql://me:hush@host/name", "hush hush", "sqlite:///x", "postgresql+pg8000://u:hush@h"]
)
def test_an_address_of_no_database_is_refused_without_its_password(
    url: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"expected .*postgresql://") as refused:
        open_database(url, tmp_path)
    assert "hush" not in str(refused.value)


def test_a_server_that_is_away_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"the PostgreSQL database plant on 127.0.0.1:1") as away:
        open_database("postgresql://me:hush@127.0.0.1:1/plant", tmp_path)
    assert "hush" not in str(away.value)


def test_a_database_that_the_server_does_not_have_is_named(postgresql: Any, tmp_path: Path) -> None:
    url = postgresql.url.replace("/postgres?", "/plant?")
    with pytest.raises(StorageError, match='"plant" does not exist'):
        open_database(url, tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/data/station.db cannot be written"):
        open_database("sqlite", tmp_path / "file" / "data")


def test_only_its_user_reads_the_file(tmp_path: Path) -> None:
    open_database("sqlite", tmp_path).close()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_foreign_keys_hold(database: Database, heard: Heard) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.writing() as session:
        write(session, heard.minute(source_id="nobody"))


@given(at=TIMES)
@example(at=datetime(2000, 10, 29, 3, tzinfo=ZoneInfo("Europe/Nicosia")))
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_time_comes_back_to_the_microsecond(database: Database, at: datetime) -> None:
    with database.writing() as session:
        row = AuditRow(at=at, who="", what="", detail={})
        session.add(row)
        session.flush()
        number = row.id
    with database.reading() as session:
        read = session.scalar(select(AuditRow.at).where(AuditRow.id == number))
    # In UTC: of an hour that comes twice, Python finds no two zones' times equal.
    assert read == at.astimezone(UTC)
    assert read.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    row = AuditRow(at=datetime(2026, 1, 1), who="", what="", detail={})
    with pytest.raises(StatementError, match="has no time zone"), database.writing() as session:
        session.add(row)


@given(
    scores=st.lists(st.floats(width=32, allow_nan=True), max_size=70),
    minutes=st.lists(st.floats(allow_nan=False), max_size=3),
    highest=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_numbers_come_back_as_they_are(
    database: Database,
    heard: Heard,
    scores: list[float],
    minutes: list[float],
    highest: float | None,
) -> None:
    with database.writing() as session:
        session.execute(text("DELETE FROM minute"))
        write(
            session,
            heard.minute(
                scores=np.array(scores, np.float32),
                minutes=tuple(minutes),
                highest=highest,
                heard=len(minutes),
            ),
        )
    with database.reading() as session:
        row = session.scalars(select(MinuteRow)).one()
        np.testing.assert_array_equal(row.scores, np.array(scores, np.float32))
        np.testing.assert_array_equal(row.minutes, np.array(minutes))
        assert row.highest == highest
        assert row.at == NOW


def test_eight_writers_at_once_lose_nothing(database: Database) -> None:
    errors: list[Exception] = []

    def count_up(who: str) -> None:
        for _ in range(25):
            try:
                with database.writing() as session:
                    seen = session.scalars(select(AuditRow)).all()
                    session.add(
                        AuditRow(at=NOW, who=who, what=str(len(seen)), detail={"of": len(seen)})
                    )
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=count_up, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    # Each saw all that were written before it.
    assert [row.what for row in rows] == [str(number) for number in range(200)]
