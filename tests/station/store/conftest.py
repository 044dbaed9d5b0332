"""A database of each kind, with a plant of two machines in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra 'station'")

from postgresql_server import Server

from made_up_heard import PLANT, Heard
from rattle.station.store.database import Database, open_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return "sqlite"
    server: Server = request.getfixturevalue("postgresql")
    return server.empty()


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    """An open database without rows."""
    opened = open_database(url, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def heard(database: Database) -> Heard:
    """A plant of two machines, registered; makes records of what is heard there."""
    return Heard.of(database, PLANT)
