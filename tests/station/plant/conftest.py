"""Sound of the machine that the tiny detector was trained on, and sound that is none of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plant_kit import RATE_HZ, between, remember_minutes
from station_child import file_of
from stations_kit import Stations

from rattle import Machine, Manifest
from rattle.station.store.database import Database, open_database


@pytest.fixture(scope="session")
def healthy(clips: Manifest) -> np.ndarray:
    """Half a minute of the machine's training clips."""
    import soundfile

    of = list(clips.of(Machine.parse("synth_fan/id_00"), split="train", label="normal"))[:10]
    return np.concatenate([soundfile.read(clip.path, dtype="float32")[0] for clip in of])


@pytest.fixture(scope="session")
def odd() -> np.ndarray:
    """Half a minute of hiss as loud as a leak."""
    return np.random.default_rng(0).normal(0, 0.2, 30 * RATE_HZ).astype(np.float32)


@pytest.fixture
def stations(
    tmp_path: Path, postgresql: Any, exported_file: Path, healthy: np.ndarray, odd: np.ndarray
) -> Iterator[Stations]:
    """Machines that are known for fifty hours, and nobody who listens yet."""
    url = postgresql.empty()
    sounds = tmp_path / "sounds.npz"
    np.savez(sounds, healthy=healthy, odd=odd)
    file = file_of(url, tmp_path / "one", exported_file, 4)
    remember_minutes(file, between(exported_file, healthy, odd))
    stations = Stations(url, tmp_path, exported_file, sounds)
    yield stations
    stations.end()


@pytest.fixture
def database(stations: Stations, postgresql: Any, tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(postgresql.url, tmp_path / "looking")) as opened:
        yield opened
