"""A machine's bundle is taken into use whole; a bad one does not end the listening."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from plant_kit import Given, plant_file, rows, started

import rattle
from rattle import BundleError
from rattle.runtime.scorer import Scorer
from rattle.station.plant import releases
from rattle.station.plant.releases import take_into_use
from rattle.station.store.tables import ReleaseRow


@pytest.fixture(scope="session")
def other_file(fleet: dict[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("other") / "other.rattle"
    rattle.export(next(iter(fleet.values()))).save(path)
    return path


def test_a_copy_bears_the_name_of_what_is_in_it_where_the_file_is_replaced_meanwhile(
    tmp_path: Path, exported_file: Path, other_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copy(exported_file, tmp_path / "fan.rattle"))

    def replaced_first(source: Path, to: Path) -> None:
        for path in (source, to):
            path.write_bytes(other_file.read_bytes())

    monkeypatch.setattr(releases.shutil, "copyfile", replaced_first)
    with pytest.raises(BundleError, match="is being replaced"):
        take_into_use(bundle, tmp_path / "releases")
    assert list((tmp_path / "releases").iterdir()) == []
    monkeypatch.undo()
    release = take_into_use(bundle, tmp_path / "releases")
    assert release.scorer.identity == Scorer.load(release.path).identity == release.path.stem


@pytest.mark.parametrize("content", [b"", b"half a bundle", None])
def test_a_bundle_that_cannot_be_used_leaves_the_one_before_in_use_and_says_so(
    tmp_path: Path, exported_file: Path, content: bytes | None
) -> None:
    bundle = Path(shutil.copy(exported_file, tmp_path / "fan.rattle"))
    file = plant_file(tmp_path / "data", bundle)
    started(file, Given()).stop()
    bundle.unlink() if content is None else bundle.write_bytes(content)
    plant = started(file, Given())
    try:
        (release,) = rows(plant, ReleaseRow)
        assert release.state == "live"
        (said,) = plant.health().banners
        assert said.startswith("fan is judged by the bundle that it had before")
        assert str(bundle) in said
    finally:
        plant.stop()


def test_a_first_bundle_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "fan.rattle").write_bytes(b"half a bundle")
    with pytest.raises(BundleError, match=r"fan\.rattle"):
        started(plant_file(tmp_path / "data", tmp_path / "fan.rattle"), Given())
