"""An experiment's folder takes the same recordings and recipe and no others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rattle import Machine, Manifest, Recipe
from rattle.errors import DataError
from rattle.experiments.folder import fill_store, open_folder
from rattle.experiments.task import Setting
from rattle.features.store import FeatureStore
from rattle.learning.data import prepare, split_normals
from rattle.learning.outliers import choose_pool

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


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
        with pytest.raises(DataError, match=r"another recipe \(.*recipe.toml\); .*--recipe.*--out"):
            open_folder(tmp_path, moved(clips, "/elsewhere"), other)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


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
        with pytest.raises(DataError, match=r"other recordings \(.*clips.csv\); .*--out"):
            open_folder(tmp_path, Manifest.from_clips(other), tiny_recipe)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def make_setting(clips: Manifest, tiny_recipe: Recipe, tmp_path: Path):
    """A new experiment with an empty feature store of its own."""

    def make(amplitude: str = "own") -> Setting:
        folder = tmp_path / amplitude
        open_folder(folder, clips, tiny_recipe.with_values(audio={"amplitude": amplitude}))
        return Setting(folder, store=folder / "store", device="cpu")

    return make


@pytest.mark.parametrize(("amplitude", "packs"), [("own", 2), ("target", 4)])
def test_no_feature_is_left_for_the_trainings_to_compute(
    amplitude: str, packs: int, make_setting, clips: Manifest
) -> None:
    setting = make_setting(amplitude)
    computed: list[None] = []
    fill_store(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 12 * packs

    recipe = setting.recipe
    store = FeatureStore(recipe.audio, recipe.features, setting.store)
    for machine in (FAN, VALVE):
        split = split_normals(clips, machine, recipe, seed=3)
        pool = choose_pool(
            clips, machine, None, split.part(split.trained), recipe.audio, store.folder
        )
        prepare(split, machine, pool, recipe, store, seed=3, on_clip=lambda: computed.append(None))
    fill_store(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 12 * packs


def test_a_machines_outliers_are_computed_with_it(make_setting) -> None:
    looked_at: list[tuple[Machine, int, int]] = []
    fill_store(make_setting(), [VALVE], lambda *seen: looked_at.append(seen))
    assert looked_at == [(FAN, 1, 2), (VALVE, 2, 2)]


def test_filling_stops_where_the_caller_says_and_leaves_no_half_pack(make_setting) -> None:
    class StopHereError(Exception):
        pass

    def after_five() -> None:
        computed.append(None)
        if len(computed) == 17:
            raise StopHereError

    computed: list[None] = []
    setting = make_setting()
    with pytest.raises(StopHereError):
        fill_store(setting, [FAN, VALVE], on_clip=after_five)
    assert len(list(setting.store.glob("log-mel-*"))) == 1
    assert not list(setting.store.glob("filling-*"))
    fill_store(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 17 + 12


def test_nothing_is_filled_where_nothing_is_to_do(make_setting) -> None:
    setting = make_setting()
    fill_store(setting, [])
    assert not setting.store.exists()
