"""Sound of the machine that the tiny detector was trained on, and sound that is none of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plant_kit import (
    RATE_HZ,
    Given,
    between,
    plant_file,
    remember_minutes,
    rows,
    started,
    waited_for,
)
from station_child import file_of
from stations_kit import Stations
from worker_kit import keep_pieces

from rattle import Machine, Manifest
from rattle.station.plant.station import Plant
from rattle.station.store.database import Database, open_database
from rattle.station.store.tables import ClipRow


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


@pytest.fixture
def hissed(
    tmp_path: Path,
    exported_file: Path,
    healthy: np.ndarray,
    odd: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Plant, Given]]:
    """A plant whose machine has hissed, with ten hours of kept sound; no incident is the test's."""
    monkeypatch.setattr("rattle.station.learn.incidents.TEST_SHARE", 10**12)
    monkeypatch.setattr("rattle.station.store.jobs.SETTLES", timedelta(0))
    # A worker loads torch, niced: on a busy machine that takes a while.
    monkeypatch.setattr("plant_kit.PATIENCE_S", 400.0)
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = started(file, source)
    keep_pieces(plant, healthy, hours=10)
    ended = source.put(odd, datetime.now(UTC) - timedelta(minutes=12))
    rng = np.random.default_rng(1)
    quiet = np.tile(healthy, 25)[: 660 * RATE_HZ] + rng.normal(0, 1e-5, 660 * RATE_HZ)
    source.put(quiet.astype(np.float32), ended)
    waited_for(lambda: any(r.incident_id for r in rows(plant, ClipRow)))
    yield plant, source
    plant.stop()
