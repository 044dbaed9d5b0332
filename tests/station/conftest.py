"""The made-up plant, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_station import MadeUpStation, dispose, made_up_station, station_again
from postgresql_server import own_postgresql, postgresql  # noqa: F401


@pytest.fixture(scope="session")
def station_template(tmp_path_factory: pytest.TempPathFactory) -> MadeUpStation:
    station = made_up_station(tmp_path_factory.mktemp("plant") / "data")
    dispose(station)
    return station


@pytest.fixture
def station(station_template: MadeUpStation, tmp_path: Path) -> Iterator[MadeUpStation]:
    """A plant of three machines, of which a test may change all."""
    shutil.copytree(station_template.context.file.data, tmp_path / "data")
    copy = station_again(tmp_path / "data", station_template)
    yield copy
    dispose(copy)
