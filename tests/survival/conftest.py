"""What the tests of survival share: command lines that start at once, and what they work on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forker

MACHINE = "synth_fan/id_00"


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    with Forker() as running:
        yield running


@pytest.fixture(scope="session")
def given(
    forker: Forker, tiny_recipe_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """What commands are given, by name: two fans' recordings, a recipe, a run, its bundle.

    The recipe has a checkpoint written after each iteration.
    """
    from rattle.synthetic import write_factory

    folder = tmp_path_factory.mktemp("given")
    write_factory(
        folder / "data",
        types=("synth_fan",),
        ids_per_type=2,
        train_clips=12,
        test_normal=3,
        test_anomaly=11,
        seconds=2.0,
    )
    numbers = ("iterations = 6\n", "iterations = 40\ncheckpoint_seconds = 0\n")
    recipe = tiny_recipe_file.read_text().replace(*numbers)
    assert "checkpoint_seconds" in recipe
    (folder / "recipe.toml").write_text(recipe)
    (folder / "anomalies").mkdir()
    for clip in folder.glob("data/dev_data/synth_fan/test/anomaly_id_00*"):
        shutil.copy(clip, folder / "anomalies")
    names: dict[str, object] = {
        "data": folder / "data",
        "machine": MACHINE,
        "recipe": folder / "recipe.toml",
        "anomalies": folder / "anomalies",
        "runs": folder / "runs",
        "bundle": folder / "runs" / "synth_fan_id_00.rattle",
    }
    words = "train {data} --machine {machine} --recipe {recipe} --out {runs} --device cpu"
    said = folder / "said"
    assert forker.run(words.format(**names).split(), said, {}) == 0, said.read_text()
    return names
