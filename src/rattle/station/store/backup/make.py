"""Make a backup of a station, whether it runs or not.

    retention waits -> which recordings were heard -> rows of one moment -> files that they name

Files are written before rows that name them, and while retention waits none goes: so each file that
a row names is still there when the rows have been read.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.exc import DatabaseError

from rattle.atomic import replacing
from rattle.errors import StorageError
from rattle.locked import locked
from rattle.station.store.backup import contents as stated
from rattle.station.store.backup.contents import Contents, Member, OnDone
from rattle.station.store.backup.stored_rows import count, pieces, tables_of
from rattle.station.store.database import never_idle, open_as_it_is, reachable, shown
from rattle.station.store.retention import KEEPING
from rattle.version import VERSION

# It holds the hashes of passwords: nobody else is to read it.
MODE = 0o600
# Retention takes seconds; so long it is waited for.
PATIENCE_S = 60.0
READ_BYTES = 1 << 20
# The oldest time that a zip can say: what is in it is the same whenever it was made.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def back_up(
    url: str, folder: Path, plant: str, into: Path, now: datetime, on_done: OnDone
) -> Contents:
    """Write all that the station of the data ``folder`` remembers to the file ``into``.

    ``url`` is its database, as in ``open_database``; the station may run meanwhile, but retention
    waits. A file that is there already is replaced once the new one is whole. Gives what is in it.
    Raises ``DataError`` where there is no station, and ``StorageError`` where the database cannot
    be reached, a file cannot be read or written, or another backup goes on.
    """
    database, schema = open_as_it_is(url, folder)
    with (
        contextlib.closing(database),
        locked(folder / KEEPING, "a backup or retention", patience_s=PATIENCE_S),
        replacing(into, mode=MODE) as beside,
        zipfile.ZipFile(beside, "w") as archive,
    ):
        writer = _Writer(archive, folder)
        writer.add_files("heard", on_done)
        with _readable(database.engine) as connection:
            tables = tables_of(connection)
            described = {
                table.name: writer.add_table(connection, table, on_done) for table in tables
            }
            named = set(_named(connection, tables))
        writer.add_files("releases", on_done)
        writer.add_named("clips", sorted(named), on_done)
        writer.add_files("embeddings", on_done)
        writer.add_files("kept", on_done)
        contents = Contents(
            plant=plant,
            rattle=VERSION,
            made=now,
            schema=schema,
            tables=described,
            members=writer.members,
            absent=tuple(sorted(named - writer.members.keys())),
        )
        text_ = contents.model_dump_json(by_alias=True)
        archive.writestr(zipfile.ZipInfo(stated.FILE, NO_TIME), text_)
    return contents


class _Writer:
    """Writes members, and notes what was written."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path) -> None:
        self._archive, self._folder = archive, folder
        self.members: dict[str, Member] = {}

    def add_table(self, connection: Connection, table: Table, on_done: OnDone) -> stated.Table:
        """Write a table's rows."""
        of = count(connection, table)
        names: list[str] = []
        done = 0
        for piece, rows in pieces(connection, table):
            names.append(f"tables/{table.name}/{len(names) + 1:06d}.jsonl")
            self._add(names[-1], [piece])
            done += rows
            on_done(f"rows of {table.name}", done, of)
        columns = tuple(column.name for column in table.columns)
        return stated.Table(columns=columns, rows=done, members=tuple(names))

    def add_files(self, kind: str, on_done: OnDone) -> None:
        """Write all files of one of the data folder's folders, as they are at this moment."""
        found = sorted((self._folder / kind).rglob("*"))
        self.add_named(kind, [path.relative_to(self._folder).as_posix() for path in found], on_done)

    def add_named(self, kind: str, names: Sequence[str], on_done: OnDone) -> None:
        """Write these files, but those that are not there."""
        ours = [name for name in names if stated.OF_DATA.fullmatch(name)]
        for done, name in enumerate(ours, start=1):
            path = self._folder / name
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                self._add(name, _parts(file, path))
            on_done(kind, done, len(ours))

    def _add(self, name: str, content: Iterable[bytes]) -> None:
        sha256, size = hashlib.sha256(), 0
        with self._archive.open(zipfile.ZipInfo(name, NO_TIME), "w", force_zip64=True) as member:
            for part in content:
                member.write(part)
                sha256.update(part)
                size += len(part)
        self.members[name] = Member(bytes=size, sha256=sha256.hexdigest())


def _parts(file: BinaryIO, path: Path) -> Iterator[bytes]:
    while part := _read(file, path):
        yield part


def _read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(READ_BYTES)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read ({error.strerror}); look at the disk, or put this file aside"
        ) from error


@contextlib.contextmanager
def _readable(engine: Engine) -> Iterator[Connection]:
    """Read the database; ``StorageError`` where it is away, or damaged."""
    try:
        with reachable(engine.url), _one_moment(engine) as connection:
            yield connection
    except DatabaseError as error:
        raise StorageError(
            f"{shown(engine.url)} cannot be read ({error.orig}); it may be damaged: restore an "
            "older backup"
        ) from error


@contextlib.contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    """Read the database as it is at one moment, however long that takes."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    with engine.connect() as connection:
        never_idle(connection)
        yield connection


def _named(connection: Connection, tables: Sequence[Table]) -> Iterator[str]:
    """List the recordings that rows name."""
    for table in tables:
        if table.name == "clip":
            yield from connection.scalars(select(table.c.path).distinct())
