"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

pytest_plugins = ["made_up_cluster", "made_up_runs", "made_up_scored"]

# A busy machine may take its time over any example.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if TYPE_CHECKING:
    from rattle import Detector, Machine, Manifest, Recipe

TINY = """\
base = "small"
name = "tiny"

[features]
fft_samples = 512
mel_bands = 32
window_frames = 64

[network]
channels = 4
blocks = [1, 1]
stem_kernel = 3

[centroids]
epoch_iterations = 3
clips_per_class = 8

[training]
iterations = 6
normals_per_batch = 4
outliers_per_batch = 4
decay_every = 3

[adaptation]
anomalies_per_batch = 1

[scoring]
view = "windows"
windows = 3
"""


TINY_FLEET = """\
base = "fleet"
name = "tiny fleet"

[features]
fft_samples = 512
mel_bands = 32
window_frames = 64

[network]
channels = 4
dimensions = 4
log_mel_channels = 4

[centroids]
epoch_iterations = 3
clips_per_class = 4

[training]
iterations = 6
normals_per_batch = 8
outliers_per_batch = 8
minimum_normals = 8

[adaptation]
iterations = 4
anomalies_per_batch = 1
"""


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, or a skip that says where they were looked for."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RATTLE_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip("no real recordings: set RATTLE_REAL_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session", autouse=True)
def feature_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A feature store of this session's own, so that tests leave the user's cache alone."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RATTLE_STORE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny_recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe whose training takes a fraction of a second: windows of 2 s, six iterations."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny_recipe(tiny_recipe_file: Path) -> Recipe:
    from rattle import Recipe

    return Recipe.load(tiny_recipe_file)


@pytest.fixture(scope="session")
def tiny_fleet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that trains one encoder for all machines in a second."""
    path = tmp_path_factory.mktemp("recipe") / "tiny-fleet.toml"
    path.write_text(TINY_FLEET)
    return path


@pytest.fixture(scope="session")
def tiny_fleet(tiny_fleet_file: Path) -> Recipe:
    from rattle import Recipe

    return Recipe.load(tiny_fleet_file)


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic clips of 3 s of synth_fan/id_00 and synth_valve/id_00.

    Of each machine 12 normal training clips, 3 normal and 3 anomalous test clips. Read only.
    """
    from rattle.synthetic import write_factory

    folder = tmp_path_factory.mktemp("factory")
    write_factory(
        folder,
        types=("synth_fan", "synth_valve"),
        ids_per_type=1,
        train_clips=12,
        test_normal=3,
        test_anomaly=3,
        seconds=3.0,
    )
    return folder


@pytest.fixture(scope="session")
def clips(factory: Path) -> Manifest:
    """The manifest of ``factory``."""
    from rattle.clips.layouts import load_manifest

    return load_manifest(factory)


@pytest.fixture(scope="session")
def detector(clips: Manifest, tiny_recipe: Recipe) -> Detector:
    """A detector of synth_fan/id_00 by the tiny recipe."""
    import rattle

    return rattle.fit(clips, "synth_fan/id_00", recipe=tiny_recipe, device="cpu")


@pytest.fixture(scope="session")
def fleet(clips: Manifest, tiny_fleet: Recipe) -> dict[Machine, Detector]:
    """Detectors of both machines of ``factory`` by the tiny fleet recipe."""
    import rattle

    return rattle.fit_fleet(clips, recipe=tiny_fleet, device="cpu")


@pytest.fixture(scope="session")
def bundle_file(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of ``detector``. Read only."""
    path = tmp_path_factory.mktemp("bundles") / "synth_fan_id_00.rattle"
    detector.save(path)
    return path


@pytest.fixture(scope="session")
def exported_file(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of ``detector`` with its graph. Read only."""
    import rattle

    path = tmp_path_factory.mktemp("bundles") / "exported.rattle"
    rattle.export(detector).save(path)
    return path
