"""Bring a database's tables to what ``tables`` states, by the steps in ``migrations``.

Where ``tables`` changes, a new step is drafted from the difference, to be read and corrected:

    with open_database("sqlite", folder).engine.begin() as connection:
        command.revision(configured(connection), "Say what it does", autogenerate=True)
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from rattle.errors import DataError
from rattle.station.store.tables import Base

FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(connection: Connection, shown: str) -> None:
    """Take the steps that are missing, in the transaction that ``connection`` has begun.

    ``shown`` is what errors call the database. Raises ``DataError`` where a newer version wrote it,
    or where tables of another program are in the way.
    """
    schema_of(connection, shown)
    bring_to(connection, "head")


def bring_to(connection: Connection, schema: str) -> None:
    """Take the steps up to that schema."""
    command.upgrade(configured(connection), schema)


def schema_of(connection: Connection, shown: str) -> str | None:
    """Say which step was taken last; None where the database is empty. Raises as above."""
    taken = MigrationContext.configure(connection).get_current_revision()
    if taken is None:
        _check_is_empty(connection, shown)
    elif taken not in schemas():
        raise DataError(
            f"{shown} was written by a newer version of rattle (schema {taken}); install that "
            "version, or give the station another database"
        )
    return taken


def schemas() -> set[str]:
    """Name every schema that there was up to this version."""
    return {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}


def configured(connection: Connection) -> Config:
    """Tell alembic where the steps are, and over which connection to take them."""
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _check_is_empty(connection: Connection, shown: str) -> None:
    tables = inspect(connection)
    ours = sorted(table for table in Base.metadata.tables if tables.has_table(table))
    if ours:
        raise DataError(
            f"{shown} holds a table {ours[0]} that is not the station's; give the station a "
            "database of its own"
        )
