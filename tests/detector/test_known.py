"""What a detector was trained on is recovered: by content, else from the replay set."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import polars as pl
import pytest

from rattle import DataError, Detector, Machine, Manifest, Recipe, adapt, fit
from rattle.bundle.replay import Replay
from rattle.clips.layouts import load_manifest
from rattle.detector.job import Recordings, Recovered, Watch
from rattle.detector.known import KnownClips, recover_known
from rattle.features.store import FeatureStore
from rattle.learning import substitutes
from rattle.learning.outliers import OutlierPool

FAN, VALVE = Machine("synth_fan", "id_00"), Machine("synth_valve", "id_00")


@dataclasses.dataclass
class Told:
    """Everything that was reported."""

    recovered: list[Recovered] = dataclasses.field(default_factory=list)
    pools: list[OutlierPool] = dataclasses.field(default_factory=list)
    computed: int = 0

    def on_clip(self) -> None:
        self.computed += 1

    @property
    def watch(self) -> Watch:
        return Watch(
            on_clip=self.on_clip,
            on_pool=self.pools.append,
            on_recovered=self.recovered.append,
        )


@pytest.fixture
def told() -> Told:
    return Told()


def recovered(
    detector: Detector,
    clips: Manifest | None,
    told: Told,
    outliers: Manifest | None = None,
    seed: int = 0,
) -> KnownClips:
    recipe = detector.recipe
    recordings = None if clips is None else Recordings(clips, outliers)
    store = FeatureStore(recipe.audio, recipe.features)
    return recover_known(detector, recordings, store, told.watch, seed=seed)


def bare(detector: Detector) -> Detector:
    """As bundles were before they held a replay set."""
    return dataclasses.replace(detector, replay=Replay())


def only(clips: Manifest, hashes: tuple[str, ...]) -> Manifest:
    return Manifest.from_clips(clip for clip in clips if clip.content_hash in hashes)


@pytest.fixture
def few_substitutes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TRANSFORMED_CLIPS": 4, "FACTORY_CLIPS": 1, "FACTORY_IDS": 1}.items():
        monkeypatch.setattr(substitutes, name, value)


# The machine's own clips


def test_all_is_found_by_content_wherever_it_lies_now(
    detector: Detector, clips: Manifest, factory: Path, tmp_path: Path, told: Told
) -> None:
    for number, path in enumerate(sorted(factory.rglob("normal_*.wav"), reverse=True)):
        machine = path.parts[-3]
        (tmp_path / machine / "normal").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / machine / "normal" / f"{number}.wav")
    moved = Manifest(load_manifest(tmp_path).table.with_columns(machine_id=pl.lit("id_00")))
    known = recovered(bare(detector), moved, told)
    origin = detector.info.provenance
    assert known.clips.normals.keys() == set(origin.trained)
    assert known.clips.held_out.keys() == set(origin.held_out)
    assert told.recovered == [Recovered((10, 10), (2, 2), (0, 0), 0, None, True)]


def test_features_that_training_left_in_the_store_are_not_computed_again(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    recovered(detector, clips, told)
    assert told.computed == 0


def test_recordings_count_before_the_replay_set(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    known = recovered(detector, clips, told)
    assert known.replayed == frozenset()
    stored = detector.replay.normals
    assert list(known.clips.normals) == list(stored)
    for name, clip in known.clips.normals.items():
        assert (clip != stored[name]).any()  # half precision is not what the store has


def test_what_is_not_found_is_replayed_and_it_is_told_how_much(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    origin = detector.info.provenance
    some = only(clips, origin.trained[:4])
    known = recovered(detector, some, told)
    assert known.clips.normals.keys() == set(origin.trained)
    assert known.clips.held_out.keys() == set(origin.held_out)
    others = {name for of in detector.replay.outliers.values() for name in of}
    assert known.replayed == {*origin.trained[4:], *origin.held_out} | others
    assert told.recovered == [Recovered((10, 10), (2, 2), (0, 0), 8, 12, True)]


def test_without_a_replay_set_what_is_not_found_is_missing_and_it_is_told(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    origin = detector.info.provenance
    some = only(clips, (*origin.trained[:4], *origin.held_out[:1]))
    both = Manifest.from_clips([*some, *clips.of(VALVE)])
    known = recovered(bare(detector), both, told)
    assert known.clips.normals.keys() == set(origin.trained[:4])
    assert told.recovered == [Recovered((4, 10), (1, 2), (0, 0), 0, None, True)]


def test_a_content_that_occurs_twice_is_had_once(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    twice = [dataclasses.replace(clip, path=f"{clip.path}.copy") for clip in clips.of(FAN)]
    known = recovered(detector, Manifest.from_clips([*clips, *twice]), told)
    assert len(known.clips.normals) == 10
    assert told.computed == 0  # of two names the first is read


def test_the_order_is_the_seeds_so_that_a_beginning_is_a_fair_sample(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    one, again, other = (
        list(recovered(bare(detector), clips, told, seed=seed).clips.normals) for seed in (0, 0, 1)
    )
    assert one == again
    assert one != other
    assert one != list(detector.info.provenance.trained)


def test_other_recordings_are_refused_with_what_to_do(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    origin = detector.info.provenance
    for other in (clips.of(VALVE), clips.of(FAN, split="test"), only(clips, origin.held_out)):
        with pytest.raises(
            DataError, match=r"hold none of the 10 clips of synth_fan/id_00 .*replay set"
        ):
            recovered(detector, other, told)
        with pytest.raises(DataError, match=r"holds no replay set to use instead"):
            recovered(bare(detector), other, told)


def test_without_recordings_and_without_replay_set_it_is_refused_with_what_to_do(
    detector: Detector, told: Told
) -> None:
    with pytest.raises(DataError, match="no replay set; say where they are, or train"):
        recovered(bare(detector), None, told)


def test_the_replay_set_alone_is_told_with_its_share(detector: Detector, told: Told) -> None:
    known = recovered(detector, None, told)
    assert known.clips is detector.replay
    assert told.recovered == [Recovered((10, 10), (2, 2), (0, 0), 0, 12, False)]
    assert (known.outliers, known.substitute) == ("normal clips of synth_valve/id_00", False)


# Outliers


def test_outliers_are_the_other_machines_of_the_recordings(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    known = recovered(detector, clips, told)
    normals = clips.of(VALVE, split="train").table["content_hash"]
    assert known.clips.outliers.keys() == {str(VALVE)}
    assert known.clips.outliers[str(VALVE)].keys() == set(normals)
    (pool,) = told.pools
    assert (known.outliers, known.substitute) == (pool.origin, False)


def test_given_outliers_are_taken_again(detector: Detector, clips: Manifest, told: Told) -> None:
    few = Manifest(clips.of(VALVE, split="train").table[:3])
    known = recovered(detector, clips, told, outliers=few)
    assert known.clips.outliers[str(VALVE)].keys() == set(few.table["content_hash"])
    assert known.outliers == "3 normal clips given as outliers"


def test_where_the_other_machines_have_gone_the_replay_set_has_some(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    nothing = Manifest.from_clips([])
    for recordings, outliers in ((clips.of(FAN), None), (clips, nothing)):
        known = recovered(detector, recordings, told, outliers)
        assert known.clips.outliers == detector.replay.outliers
        assert (known.outliers, known.substitute) == ("normal clips of synth_valve/id_00", False)
    assert [of.outliers for of in told.recovered] == [12, 12]
    assert told.pools == []


def test_given_outliers_that_have_gone_leave_the_other_machines(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    known = recovered(bare(detector), clips, told, outliers=Manifest.from_clips([]))
    assert known.outliers == "normal clips of synth_valve/id_00"


@pytest.mark.usefixtures("few_substitutes")
def test_where_no_outlier_is_left_substitutes_are_made_and_said(
    detector: Detector, clips: Manifest, told: Told
) -> None:
    known = recovered(bare(detector), clips.of(FAN), told)
    assert known.substitute
    assert known.outliers.startswith("SUBSTITUTES")
    assert told.pools[0].substitute
    adapted = adapt(
        bare(detector),
        list(clips.of(FAN, label="anomaly").table["path"]),
        data=clips.of(FAN),
        device="cpu",
    )
    assert adapted.info.provenance.outliers_substitute
    assert adapted.info.provenance.outliers == known.outliers


@pytest.mark.usefixtures("few_substitutes")
def test_real_sound_takes_the_place_of_substitutes_when_there_is_some(
    clips: Manifest, tiny_recipe: Recipe, told: Told
) -> None:
    alone = fit(clips.of(FAN), FAN, recipe=tiny_recipe, device="cpu")
    made = recovered(alone, clips.of(FAN), told)
    assert made.substitute
    assert made.replayed == frozenset()  # made again of the recordings, as in training
    assert recovered(alone, None, told).substitute
    assert not recovered(alone, clips, told).substitute
