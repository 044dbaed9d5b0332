"""An experiment's folder takes the same recordings and recipe and no others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rattle import Manifest, Recipe
from rattle.errors import DataError
from rattle.experiments.folder import open_folder
from rattle.experiments.task import Setting


def moved(clips: Manifest, folder: str) -> Manifest:
    return Manifest.from_clips(
        dataclasses.replace(clip, path=f"{folder}/{Path(clip.path).name[::-1]}") for clip in clips
    )


def test_tasks_find_what_the_folder_was_opened_with(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    open_folder(tmp_path / "new", clips, tiny_recipe)
    setting = Setting(tmp_path / "new")
    assert setting.recipe == tiny_recipe
    assert setting.clips.table.equals(clips.table)


def test_the_same_recordings_elsewhere_are_taken_from_there(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    open_folder(tmp_path, clips, tiny_recipe)
    elsewhere = moved(clips, "/mnt/disk2")
    open_folder(tmp_path, elsewhere, tiny_recipe)
    assert Setting(tmp_path).clips.table.equals(elsewhere.table)


def test_another_recipe_is_refused_and_changes_nothing(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    open_folder(tmp_path, clips, tiny_recipe)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for other in (
        tiny_recipe.with_values(training={"iterations": 7}),
        tiny_recipe.with_values(scoring={"alpha": 0.25}),
        Recipe.load("small"),
    ):
        with pytest.raises(DataError, match=r"another recipe \(.*recipe.toml\); give") as told:
            open_folder(tmp_path, moved(clips, "/elsewhere"), other)
        assert told.value.arguments == ("recipe", "out")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_recipe_of_another_rattle_is_told_with_the_way_out(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text("[scoring]\naggregate = 'mean'\n")
    with pytest.raises(DataError, match="recipe that this rattle cannot read") as told:
        open_folder(tmp_path, clips, tiny_recipe)
    assert told.value.arguments == ("out",)


def test_other_recordings_are_refused_and_change_nothing(
    clips: Manifest, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    open_folder(tmp_path, clips, tiny_recipe)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    *rest, last = clips
    assert (last.split, last.label) == ("train", "normal")
    for other in (
        rest,
        [*rest, last, dataclasses.replace(last, path="/a/copy.wav")],
        [dataclasses.replace(last, content_hash="f" * 64), *rest],
        [dataclasses.replace(last, label="unknown"), *rest],
        [dataclasses.replace(last, split="test"), *rest],
        [dataclasses.replace(last, machine_id="id_01"), *rest],
        [dataclasses.replace(last, source_set="other"), *rest],
    ):
        with pytest.raises(DataError, match=r"other recordings \(.*clips.csv\); give") as told:
            open_folder(tmp_path, Manifest.from_clips(other), tiny_recipe)
        assert told.value.arguments == ("out",)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
