"""Make a station of a backup: in an empty data folder and an empty database, in full or not at all.

    the whole archive is checked against what it says it holds
    rows -> database, in one transaction      files -> FOLDER/.restoring
    files to their places, then the transaction's end (SQLite: the database's file comes last)

While ``.restoring`` is there the restore has not ended: the next begins anew, no station starts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import DBAPIError, StatementError

from rattle.atomic import writing
from rattle.errors import DataError, StorageError
from rattle.locked import locked
from rattle.station.store.backup import contents as stated
from rattle.station.store.backup.archive import Reader, reading
from rattle.station.store.backup.contents import Contents, OnDone
from rattle.station.store.backup.stored_rows import Loader, parsed, tables_of
from rattle.station.store.database import AWAY, FILE, alone, engine_of, never_idle, reachable, shown
from rattle.station.store.leases import end_all
from rattle.station.store.migrate import bring_to

RESTORING = ".restoring"
# Of columns that name a file of the data folder, what they may name.
NAMING = {"clip": "clips", "release": "releases"}


def restore(url: str, folder: Path, archive: Path, on_done: OnDone) -> Contents:
    """Bring a station's memory back from the backup ``archive``; gives what it held.

    ``folder`` is the data folder and ``url`` the database, as in ``open_database``: both are to be
    empty. Raises ``DataError`` where they are not, or where the archive is damaged, no backup or of
    a newer version, and ``StorageError`` where something cannot be written. Both are as empty as
    before after any error.
    """
    with locked(folder / "station", "a station"), reading(archive) as reader:
        _check_empty(folder)
        staging = folder / RESTORING
        undone = [staging]
        try:
            with writing(staging):
                staging.mkdir()
            _restore(url, folder, reader, on_done, undone)
        except BaseException:
            # The sign that it is not whole goes last.
            for path in reversed(undone):
                _remove(path)
            raise
        _remove(staging)
    return reader.held


def refuse_half_restored(folder: Path) -> None:
    """Raise ``DataError`` where a restore into that data folder did not end."""
    if (folder / RESTORING).exists():
        raise DataError(
            f"a restore into {folder} was interrupted, and what is there is not whole; restore the "
            "backup again, into an empty database"
        )


def _restore(url: str, folder: Path, reader: Reader, on_done: OnDone, undone: list[Path]) -> None:
    staging = folder / RESTORING
    names = [name for name in reader.held.members if stated.OF_DATA.fullmatch(name)]
    _check_room(folder, sum(member.bytes for member in reader.held.members.values()))
    for done, name in enumerate(names, start=1):
        _write(staging / name, reader.parts(name))
        on_done("files", done, len(names))
    os.sync()  # or a power failure may leave rows without their files
    with _database(url, staging) as connection:
        _load(connection, reader, on_done)
        _move(staging, folder, stated.FOLDERS, undone)
    if url == "sqlite":
        _move(staging, folder, [FILE], undone)


@contextlib.contextmanager
def _database(url: str, staging: Path) -> Iterator[Connection]:
    """Begin to write to the empty database; SQLite's is made beside."""
    engine = engine_of(url, staging)
    try:
        with reachable(engine.url), alone(engine) as connection:
            never_idle(connection)
            there = inspect(connection).get_table_names()
            if there:
                raise DataError(
                    f"{shown(engine.url)} is not empty (it holds a table {sorted(there)[0]}); give "
                    "an empty one to restore into"
                )
            yield connection
    finally:
        engine.dispose()


def _load(connection: Connection, reader: Reader, on_done: OnDone) -> None:
    """Make the tables as they were, fill them, and bring them to this version."""
    held = reader.held
    bring_to(connection, held.schema_)
    tables = tables_of(connection)
    if {table.name for table in tables} != held.tables.keys():
        raise reader.damaged(f"its tables are not those of schema {held.schema_}")
    total, done = sum(table.rows for table in held.tables.values()), 0
    for table in tables:
        said, loader = held.tables[table.name], Loader(connection, table)
        if said.columns != tuple(column.name for column in table.columns):
            raise reader.damaged(f"the columns of {table.name} are not those of its schema")
        loaded = 0
        for name in said.members:
            with _fitting(table, reader):
                rows = parsed(table, b"".join(reader.parts(name)))
                _check_files(table, rows, reader)
                loader.add(rows)
            loaded += len(rows)
            on_done("rows", done + loaded, total)
        with _fitting(table, reader):
            loader.finish()
        if loaded != said.rows:
            raise reader.damaged(
                f"{table.name} has {loaded:,} rows, and {said.rows:,} were written"
            )
        done += loaded
    _check_references(connection, reader)
    bring_to(connection, "head")
    # Or who starts now would wait for stations that lived when the backup was made.
    end_all(connection, held.made)


def _check_references(connection: Connection, reader: Reader) -> None:
    """SQLite does not look at references while tables may be made anew: all at once instead."""
    if connection.dialect.name == "sqlite":
        wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if wrong is not None:
            raise reader.damaged(f"rows of {wrong[0]} do not fit the table")


@contextlib.contextmanager
def _fitting(table: Table, reader: Reader) -> Iterator[None]:
    try:
        yield
    except AWAY:
        raise
    except (DBAPIError, StatementError, OverflowError) as error:
        raise reader.damaged(f"rows of {table.name} do not fit the table") from error


def _check_files(table: Table, rows: list[dict[str, object]], reader: Reader) -> None:
    """Rows name files of the data folder, and such that are in the backup."""
    folder = NAMING.get(table.name)
    for row in rows if folder else ():
        path = str(row["path"])
        if not (path.startswith(f"{folder}/") and stated.OF_DATA.fullmatch(path)):
            raise reader.damaged(f"a row of {table.name} names a file that is none of a station's")
        is_there = path in reader.held.members or path in reader.held.absent
        if table.name == "clip" and not is_there:
            raise reader.damaged(f"it lacks the recording {path}")


def _check_empty(folder: Path) -> None:
    """Make room where a restore was interrupted; raise ``DataError`` where a station was."""
    if (folder / RESTORING).exists():
        for name in (*stated.FOLDERS, FILE, RESTORING):
            _remove(folder / name)
    there = sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))
    if there:
        raise DataError(
            f"{folder} is not empty (it holds {there[0]}); restore into an empty data folder"
        )


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StorageError(
            f"{folder}: {free / 1e6:,.0f} MB of the disk are free, and the backup holds "
            f"{size / 1e6:,.0f} MB; make room"
        )


def _write(path: Path, parts: Iterator[bytes]) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
    with file:
        for part in parts:
            with writing(path):
                file.write(part)


def _move(staging: Path, folder: Path, names: Iterable[str], undone: list[Path]) -> None:
    """Move what was made to its place."""
    for name in names:
        if (staging / name).exists():
            undone.append(folder / name)
            with writing(folder / name):
                (staging / name).rename(folder / name)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
