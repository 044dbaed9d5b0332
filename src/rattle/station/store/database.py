"""Open the database: SQLite or PostgreSQL, by the same code.

Whoever writes is alone: SQLite begins at once to write (``BEGIN IMMEDIATE``), PostgreSQL takes a
lock of its own. So no writer meets another half way, and what is read before a change still holds
when it is made. Reading waits for nobody.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoneFreeError
from sqlalchemy.orm import Session

from rattle.atomic import writing as writing_file
from rattle.errors import DataError, StorageError
from rattle.station.store.migrate import bring_up_to_date, schema_of

FILE = "station.db"
EXPECTED = 'expected "sqlite" or postgresql://USER:PASSWORD@HOST/NAME'
# Writers wait for each other so long, a connection for its server, a thread for a connection.
PATIENCE_S, CONNECT_S, FREE_S = 30, 5, 10
CONNECTIONS, MORE_CONNECTIONS = 5, 25
# The lock that a writer takes in PostgreSQL: any number that is the same in every station.
WRITERS_LOCK = 0x7261_7474
EXCLUSIVE = "rattle_exclusive"
# Not reached, full, or (PostgreSQL's InternalError) one that can only be read.
AWAY = (OperationalError, InterfaceError, InternalError, NoneFreeError)


@dataclass(frozen=True)
class Database:
    """A database whose schema is up to date.

    ``StorageError`` is raised where it is away, full or cannot be written to; what was done in
    the session is then undone.
    """

    engine: Engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session to read in."""
        with reachable(self.engine.url), Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose changes are committed at the end, or undone by an error.

        No other one writes meanwhile, so be quick.
        """
        alone = self.engine.execution_options(**{EXCLUSIVE: True})
        with reachable(self.engine.url), Session(alone) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def telling(self) -> Iterator[Session]:
        """Give a session to change a row that nobody else does: it waits for no other writer."""
        with reachable(self.engine.url), Session(self.engine) as session, session.begin():
            yield session

    def size_bytes(self) -> int:
        """Say how much the database takes."""
        with self.reading() as session:
            if self.engine.dialect.name == "postgresql":
                name = func.current_database()
                return int(session.scalar(select(func.pg_database_size(name))) or 0)
            pages = session.scalar(text("PRAGMA page_count"))
            return int(pages) * int(session.scalar(text("PRAGMA page_size")))

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()


def open_database(url: str, folder: Path) -> Database:
    """Open the database that a plant's file names, and bring its tables up to date.

    ``url`` is "sqlite", a file in the data ``folder``, which is made where it is missing, or
    ``postgresql://``. Raises ``DataError`` where it is neither, where something else is stored
    there or by a newer version, and ``StorageError`` where it cannot be reached or written to. No
    message holds a password.
    """
    engine = engine_of(url, folder)
    with _opened(engine), alone(engine) as connection:
        bring_up_to_date(connection, shown(engine.url))
    return Database(engine)


def open_as_it_is(url: str, folder: Path) -> tuple[Database, str]:
    """Open a database without a change to its tables; gives also the schema that they have.

    ``url`` and ``folder`` as in ``open_database``. Raises ``DataError`` where there is none yet,
    where something else is stored there or by a newer version, and ``StorageError`` where it cannot
    be reached.
    """
    if url == "sqlite" and not (folder / FILE).is_file():
        raise DataError(f"there is no database {folder / FILE}; expected that of a station")
    engine = engine_of(url, folder)
    with _opened(engine), engine.begin() as connection:
        schema = schema_of(connection, shown(engine.url))
        if schema is None:
            raise DataError(f"{shown(engine.url)} holds no station yet; expected that of one")
    return Database(engine), schema


def engine_of(url: str, folder: Path) -> Engine:
    """Make what connects to a database; nothing is asked of it yet. See ``open_database``."""
    engine = _sqlite(folder / FILE) if url == "sqlite" else _postgresql(url)
    event.listen(engine, "begin", _begin)
    return engine


@contextlib.contextmanager
def _opened(engine: Engine) -> Iterator[None]:
    """Close a database that turns out to be of no use; raises what ``open_database`` does."""
    try:
        with reachable(engine.url):
            yield
    except DatabaseError as error:
        engine.dispose()
        raise DataError(
            f"{shown(engine.url)} is no database of the station ({_reason(error)}); give it one of "
            "its own"
        ) from None
    except BaseException:
        engine.dispose()
        raise


@contextlib.contextmanager
def reachable(url: URL) -> Iterator[None]:
    """Raise ``StorageError`` that names the database where it is away or cannot be written to."""
    try:
        yield
    except AWAY as error:
        raise StorageError(
            f"{shown(url)} cannot be used ({_reason(error)}); see that it runs, that it can be "
            "reached, and that there is room on its disk"
        ) from error


def shown(url: URL) -> str:
    """Name a database without its password."""
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database}"
    where = f"{url.host or 'localhost'}{f':{url.port}' if url.port else ''}"
    return f"the PostgreSQL database {url.database or url.username} on {where}"


def insert_into(session: Session, table: type[Any]) -> Any:
    """Begin an INSERT that can say what becomes of rows that are there already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


@contextlib.contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that nobody else writes during, in which tables may be made anew.

    SQLite changes a table by copying it and dropping the old one, whose rows others refer to:
    references are not looked at meanwhile, which has to be said before the transaction begins.
    """
    with engine.execution_options(**{EXCLUSIVE: True}).connect() as connection:
        _look_at_references(connection, "OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            _look_at_references(connection, "ON")


def never_idle(connection: Connection) -> None:
    """Let a transaction wait for as long as a slow disk takes: it is no writer that hangs."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def _look_at_references(connection: Connection, on: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute(f"PRAGMA foreign_keys = {on}")


def _sqlite(file: Path) -> Engine:
    with writing_file(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        _make(file)
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        pool_size=CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_timeout=FREE_S,
        connect_args={"timeout": PATIENCE_S},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _make(file: Path) -> None:
    """Make an empty database that nobody else reads: it holds the hashes of passwords.

    One that is there is not opened. Whoever closes a file loses all locks that his process has on
    it, those of a database that is open already among them; then another process that closes it
    removes its newest rows (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(file, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file)) from None


def _postgresql(text_: str) -> Engine:
    try:
        url = make_url(text_)
    except (ArgumentError, ValueError):
        raise DataError(f"database: {EXPECTED}; found what is no address") from None
    if url.drivername != "postgresql":
        raise DataError(f"database: {EXPECTED}; found {url.drivername}://")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_timeout=FREE_S,
        connect_args={
            "connect_timeout": CONNECT_S,
            # A server that vanished without a word is noticed, and so is a writer that hangs.
            "tcp_user_timeout": PATIENCE_S * 1000,
            "keepalives_idle": PATIENCE_S,
            "options": f"-c lock_timeout={PATIENCE_S}s "
            f"-c idle_in_transaction_session_timeout={2 * PATIENCE_S}s",
        },
    )


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions are begun here
    for pragma in ("journal_mode = WAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _begin(connection: Connection) -> None:
    alone = connection.get_execution_options().get(EXCLUSIVE, False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")
    elif alone:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")


def _reason(error: Exception) -> str:
    """Say in one line what a driver said in several."""
    of_driver = getattr(error, "orig", None) or error
    return " ".join(str(of_driver).split()) or type(of_driver).__name__
