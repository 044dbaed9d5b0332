"""The made-up plant, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from made_up_station import MadeUpStation, dispose, made_up_station, station_again
from postgresql_server import own_postgresql, postgresql  # noqa: F401

if TYPE_CHECKING:
    from rattle import Manifest, Recipe


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


@pytest.fixture(scope="session")
def valve_file(
    clips: Manifest, tiny_fleet: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A detector on an encoder that may be shared, of a training that knew no fan."""
    import rattle

    valve = rattle.Machine("synth_valve", "id_00")
    path = tmp_path_factory.mktemp("bundles") / "valve.rattle"
    rattle.export(rattle.fit(clips.of(valve), valve, recipe=tiny_fleet)).save(path)
    return path


@pytest.fixture(scope="session")
def fan_sound(clips: Manifest) -> np.ndarray:
    """Two minutes of a fan that nobody enrolled yet, its clips in one order after the other."""
    from rattle import Machine

    fan = Machine("synth_fan", "id_00")
    of = [clip.path for clip in clips.of(fan, split="train", label="normal")]
    each = [soundfile.read(path, dtype="float32")[0] for path in of]
    dice = np.random.default_rng(0)
    return np.concatenate([each[place] for _ in range(4) for place in dice.permutation(len(each))])
