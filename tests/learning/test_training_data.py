"""What a training is given: held-out normals apart, statistics of whom the recipe says."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf

from rattle.clips.layouts import load_manifest
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.data import TrainingData, prepare, split_normals
from rattle.learning.outliers import OutlierPool
from rattle.recipe import Recipe

FAN_0, FAN_2 = Machine("fan", "id_00"), Machine("fan", "id_02")


@pytest.fixture(scope="module")
def every(tmp_path_factory) -> Manifest:
    """Ten normals of fan/id_00, four of fan/id_02 ten times as loud, three of pump/id_00."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for machine, id_, count, level in (
        ("fan", 0, 10, 0.02),
        ("fan", 2, 4, 0.2),
        ("pump", 0, 3, 0.1),
    ):
        for split, label, number in [("train", "normal", count), ("test", "anomaly", 1)]:
            part = folder / "dev_data" / machine / split
            part.mkdir(parents=True, exist_ok=True)
            for n in range(number):
                samples = level * rng.standard_normal(6000)
                sf.write(part / f"{label}_id_{id_:02}_{n:08}.wav", samples, 16000, subtype="FLOAT")
    return load_manifest(folder)


@pytest.fixture(scope="module")
def store(tiny: Recipe, tmp_path_factory) -> FeatureStore:
    return FeatureStore(tiny.audio, tiny.features, tmp_path_factory.mktemp("store"))


def prepared(
    every: Manifest, store: FeatureStore, recipe: Recipe, *, seed: int = 0
) -> TrainingData:
    split = split_normals(every, FAN_0, recipe, seed=seed)
    pool = OutlierPool(every.outliers_for(FAN_0), "the others")
    return prepare(split, FAN_0, pool, recipe, store, seed=seed)


def test_held_out_and_trained_normals_are_apart_and_are_all(tiny, every) -> None:
    split = split_normals(every, FAN_0, tiny, seed=0)
    # A fifth of ten.
    assert len(split.held_out) == 2
    assert sorted([*split.held_out, *split.trained]) == list(range(10))
    assert len(split.normals) == 10
    assert set(split.normals.table["label"]) == {"normal"}
    assert set(split.normals.table["split"]) == {"train"}


def test_the_seed_decides_which_normals_are_held_out(tiny, every) -> None:
    splits = [split_normals(every, FAN_0, tiny, seed=seed).held_out.tolist() for seed in range(6)]
    assert splits[0] == split_normals(every, FAN_0, tiny, seed=0).held_out.tolist()
    assert len({tuple(split) for split in splits}) > 1


@pytest.mark.parametrize(("share", "kept"), [(0.05, 2), (0.3, 3), (0.5, 5)])
def test_the_share_held_out_is_the_recipes_but_two_at_the_least(tiny, every, share, kept) -> None:
    recipe = tiny.with_values(training={"held_out": share})
    assert len(split_normals(every, FAN_0, recipe, seed=0).held_out) == kept


def test_too_few_normals_are_refused_with_how_many_are_needed(tiny, every) -> None:
    recipe = tiny.with_values(training={"minimum_normals": 11})
    with pytest.raises(DataError, match=r"fan/id_00 has 10 normal .*at least 11 are needed"):
        split_normals(every, FAN_0, recipe, seed=0)
    with pytest.raises(DataError, match=r"fan/id_07 has 0 normal"):
        split_normals(every, Machine("fan", "id_07"), tiny, seed=0)


def test_batches_hold_no_clip_that_is_held_out(tiny, every, store) -> None:
    data = prepared(every, store, tiny)
    trained = {data.source.normals[i].tobytes() for i in range(len(data.source.normals))}
    held_out = {data.held_out[i].tobytes() for i in range(len(data.held_out))}
    assert (len(trained), len(held_out)) == (8, 2)
    assert not trained & held_out
    hashes = [set(part.table["content_hash"]) for part in (data.trained_clips, data.held_out_clips)]
    assert [len(part) for part in hashes] == [8, 2]
    assert hashes[0] | hashes[1] == set(every.of(FAN_0, split="train").table["content_hash"])


def test_the_log_mels_are_of_the_clips_that_are_listed(tiny, every, store) -> None:
    data = prepared(every, store, tiny)
    for clips, listed in (
        (data.source.normals, data.trained_clips),
        (data.held_out, data.held_out_clips),
    ):
        for index, clip in enumerate(listed):
            samples = store.front_end.read(clip.path)
            expected = store.front_end.log_mel(samples, data.amplitude)
            np.testing.assert_array_equal(clips[index], expected)


def test_the_statistics_are_of_all_the_machines_training_normals(tiny, every, store) -> None:
    data = prepared(every, store, tiny)
    normals = every.of(FAN_0, split="train")
    samples = np.concatenate([sf.read(clip.path)[0] for clip in normals])
    assert data.amplitude.deviation == pytest.approx(samples.std(), rel=1e-6)


def test_each_machine_of_the_pool_stands_by_itself(tiny, every, store) -> None:
    data = prepared(every, store, tiny)
    assert [len(machine) for machine in data.source.outliers] == [4, 3]


def test_an_outlier_is_heard_at_its_own_loudness_or_at_the_targets(tiny, every, store) -> None:
    def level_db(recipe: Recipe) -> float:
        data = prepared(every, store, recipe)
        fan_2 = data.source.outliers[0]
        normals = data.source.normals
        return float(np.mean(fan_2[0]) - np.mean(normals[0]))

    # By its own statistics every machine is as loud as any; by the target's, ten times is 20 dB.
    assert level_db(tiny) == pytest.approx(0, abs=0.5)
    target = tiny.with_values(audio={"amplitude": "target"})
    assert level_db(target) == pytest.approx(20, abs=0.5)


def test_batches_are_made_as_the_recipe_says(tiny, every, store) -> None:
    source = prepared(every, store, tiny, seed=3).source
    assert (source.normals_per_batch, source.outliers_per_batch) == (4, 4)
    assert (source.window_frames, source.seed) == (32, 3)
    assert [view.shape for view in source.batch(0).views] == [(8, 32, 16)]


def test_the_identity_changes_with_recipe_seed_and_clips_and_with_nothing_else(
    tiny, every, store, tmp_path
) -> None:
    first = prepared(every, store, tiny).identity
    assert prepared(every, store, tiny).identity == first
    assert prepared(every, store, tiny, seed=1).identity != first
    assert prepared(every, store, tiny.with_values(training={"iterations": 7})).identity != first
    fewer = Manifest(every.table.filter(every.table["machine_type"] == "fan"))
    assert prepared(fewer, store, tiny).identity != first
    elsewhere = FeatureStore(tiny.audio, tiny.features, tmp_path)
    assert prepared(every, elsewhere, tiny).identity == first


def test_every_clip_whose_features_are_computed_is_told(tiny, every, tmp_path) -> None:
    told = []
    split = split_normals(every, FAN_0, tiny, seed=0)
    pool = OutlierPool(every.outliers_for(FAN_0), "the others")
    for _ in range(2):
        empty = FeatureStore(tiny.audio, tiny.features, tmp_path)
        prepare(split, FAN_0, pool, tiny, empty, seed=0, on_clip=lambda: told.append(1))
    assert len(told) == 10 + 4 + 3
