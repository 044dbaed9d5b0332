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
    config = configured(connection)
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    taken = MigrationContext.configure(connection).get_current_revision()
    if taken is None:
        _check_is_empty(connection, shown)
    elif taken not in steps:
        raise DataError(
            f"{shown} was written by a newer version of rattle (schema {taken}); install that "
            "version, or give the station another database"
        )
    command.upgrade(config, "head")


def configured(connection: Connection) -> Config:
    """Tell alembic where the steps are, and over which connection to take them."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _check_is_empty(connection: Connection, shown: str) -> None:
    tables = inspect(connection)
    ours = sorted(table for table in Base.metadata.tables if tables.has_table(table))
    if ours:
        raise DataError(
            f"{shown} holds a table {ours[0]} that is not the station's; give the station a "
            "database of its own"
        )
