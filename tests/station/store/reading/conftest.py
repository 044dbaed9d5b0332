"""The made-up plant in both databases: what is read is the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_station import MadeUpStation, dispose, made_up_station, station_again
from sqlalchemy import create_engine, text

PLANT, COPY = "made_up_plant", "made_up_copy"


class PlantInPostgresql:
    """A PostgreSQL server with the plant in a database, which is copied for each test."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._run(f"CREATE DATABASE {PLANT}")
        self.template = made_up_station(folder, url=self._of(PLANT))
        dispose(self.template)

    def copied(self) -> str:
        """Copy it; gives the copy's URL."""
        self._run(f"DROP DATABASE IF EXISTS {COPY}", f"CREATE DATABASE {COPY} TEMPLATE {PLANT}")
        return self._of(COPY)

    def _of(self, name: str) -> str:
        return self._url.replace("@/postgres?", f"@/{name}?")

    def _run(self, *statements: str) -> None:
        address = self._url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def plant_in_postgresql(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PlantInPostgresql:
    server = request.getfixturevalue("postgresql")
    return PlantInPostgresql(server.url, tmp_path_factory.mktemp("plant") / "data")


@pytest.fixture(params=["sqlite", "postgresql"])
def station(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MadeUpStation]:
    """A plant of three machines, of which a test may change all."""
    if request.param == "postgresql":
        plant: PlantInPostgresql = request.getfixturevalue("plant_in_postgresql")
        copy = station_again(tmp_path / "data", plant.template, url=plant.copied())
    else:
        template: MadeUpStation = request.getfixturevalue("station_template")
        shutil.copytree(template.context.file.data, tmp_path / "data")
        copy = station_again(tmp_path / "data", template)
    yield copy
    dispose(copy)
