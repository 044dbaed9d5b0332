"""A plant whose incidents the test writes, and a server that is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra 'station'")

from tell_kit import Clock, Hall, Receiver

from rattle.station.store.database import open_database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hall(tmp_path: Path, clock: Clock) -> Iterator[Hall]:
    database = open_database("sqlite", tmp_path / "data")
    yield Hall.of(database, clock)
    database.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()
