"""Features of several trainings: computed once, before the trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rattle import Machine, Manifest, Recipe
from rattle.errors import Interrupted
from rattle.experiments.folder import open_folder
from rattle.experiments.task import Setting
from rattle.features.store import FeatureStore
from rattle.learning.data import prepare, split_normals
from rattle.learning.outliers import choose_pool
from rattle.learning.shared_features import fill_store

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A feature store that is not there yet."""
    monkeypatch.setenv("RATTLE_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def make_setting(clips: Manifest, tiny_recipe: Recipe, tmp_path: Path, own_store: Path):
    """A new experiment with an empty feature store of its own."""

    def make(amplitude: str = "own") -> Setting:
        folder = tmp_path / amplitude
        open_folder(folder, clips, tiny_recipe.with_values(audio={"amplitude": amplitude}))
        return Setting(folder, device="cpu")

    return make


def fill(setting: Setting, machines: list[Machine], **more: Any) -> None:
    fill_store(setting.clips, setting.recipe, machines, **more)


@pytest.mark.parametrize(("amplitude", "packs"), [("own", 2), ("target", 4)])
def test_no_feature_is_left_for_the_trainings_to_compute(
    amplitude: str, packs: int, make_setting, clips: Manifest
) -> None:
    setting = make_setting(amplitude)
    computed: list[None] = []
    fill(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 12 * packs

    recipe = setting.recipe
    store = FeatureStore(recipe.audio, recipe.features)
    for machine in (FAN, VALVE):
        split = split_normals(clips, machine, recipe, seed=3)
        pool = choose_pool(clips, machine, None, split.part(split.trained), recipe.audio)
        prepare(split, machine, pool, recipe, store, seed=3, on_clip=lambda: computed.append(None))
    fill(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 12 * packs


def test_a_stop_is_noticed_at_the_next_clip_and_leaves_no_half_pack(
    make_setting, own_store: Path
) -> None:
    setting = make_setting()
    computed: list[None] = []
    with pytest.raises(Interrupted):
        fill(
            setting,
            [FAN],
            on_clip=lambda: computed.append(None),
            stop_requested=lambda: len(computed) == 3,
        )
    assert len(computed) == 3
    assert not [left for left in own_store.iterdir() if left.is_dir()]


def test_a_machines_outliers_are_computed_with_it(make_setting) -> None:
    looked_at: list[tuple[Machine, int, int]] = []
    fill(make_setting(), [VALVE], on_machine=lambda *seen: looked_at.append(seen))
    assert looked_at == [(FAN, 1, 2), (VALVE, 2, 2)]


def test_filling_stops_where_the_caller_says_and_leaves_no_half_pack(
    make_setting, own_store: Path
) -> None:
    class StopHereError(Exception):
        pass

    def after_five() -> None:
        computed.append(None)
        if len(computed) == 17:
            raise StopHereError

    computed: list[None] = []
    setting = make_setting()
    with pytest.raises(StopHereError):
        fill(setting, [FAN, VALVE], on_clip=after_five)
    assert len(list(own_store.glob("log-mel-*"))) == 1
    assert not list(own_store.glob(".filling-*"))
    fill(setting, [FAN, VALVE], on_clip=lambda: computed.append(None))
    assert len(computed) == 17 + 12


def test_nothing_is_filled_where_nothing_is_to_do(make_setting, own_store: Path) -> None:
    setting = make_setting()
    fill(setting, [])
    assert not own_store.exists()


@pytest.mark.parametrize("amplitude", ["own", "target"])
def test_outliers_given_are_computed_in_place_of_the_other_machines(
    amplitude: str, make_setting, clips: Manifest
) -> None:
    setting = make_setting(amplitude)
    renamed = clips.of(FAN).table.with_columns(machine_id=pl.lit("elsewhere"))
    given = Manifest(renamed)
    computed: list[None] = []
    fill(setting, [VALVE], outliers=given, on_clip=lambda: computed.append(None))
    # Normal test clips serve as well, where outliers are given.
    assert len(computed) == 12 + 15

    recipe = setting.recipe
    store = FeatureStore(recipe.audio, recipe.features)
    split = split_normals(clips, VALVE, recipe, seed=3)
    pool = choose_pool(clips, VALVE, given, split.part(split.trained), recipe.audio)
    prepare(split, VALVE, pool, recipe, store, seed=3, on_clip=lambda: computed.append(None))
    assert len(computed) == 12 + 15


def test_a_machine_without_normals_is_left_to_its_training_to_refuse(
    make_setting, clips: Manifest
) -> None:
    setting = make_setting()
    without = Manifest(clips.table.filter(pl.col("machine_type") != "synth_fan"))
    looked_at: list[tuple[Machine, int, int]] = []
    fill_store(
        Manifest.from_clips([*without, *clips.of(FAN, split="test")]),
        setting.recipe,
        [FAN, VALVE],
        on_machine=lambda *seen: looked_at.append(seen),
    )
    assert looked_at == [(VALVE, 1, 1)]
