"""What is held out of a long recording is a stretch of its time, not clips among the others."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.clips.clip import Clip
from rattle.clips.cut_manifest import cut_to_train
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.learning.data import split_normals
from rattle.learning.shares import shares_of
from rattle.randomness import HELD_OUT, stream
from rattle.recipe import Recipe

PRESS = Machine("press", "")
FLEET = Recipe.load("fleet")


def normals(**seconds: float) -> Manifest:
    """Recordings of so many seconds by name, cut as for training."""
    clips = [
        Clip(
            *(f"/{name}.wav", "site", "press", "", "train", "normal", "", "", 1, 16_000),
            frames=round(length * 16_000),
            content_hash=name,
        )
        for name, length in seconds.items()
    ]
    return cut_to_train(Manifest.from_clips(clips), FLEET)


def runs(rows: np.ndarray) -> int:
    """How many stretches of consecutive rows there are."""
    return 1 + int((np.diff(np.sort(rows)) > 1).sum())


@pytest.mark.parametrize("seed", range(6))
def test_each_share_of_a_long_recording_is_one_stretch_of_its_time(seed: int) -> None:
    clips = normals(hour=3600)
    shares = shares_of(clips, FLEET, seed)
    assert [runs(share) for share in shares] == [1] * 5
    assert {len(share) for share in shares} == {48}
    assert sorted(np.concatenate(shares)) == list(range(240))


def test_the_stretch_that_is_held_out_first_is_chosen_by_the_seed() -> None:
    clips = normals(hour=3600)
    assert len({int(shares_of(clips, FLEET, seed)[0].min()) for seed in range(12)}) > 2


@pytest.mark.parametrize("seed", range(4))
def test_every_long_recording_has_a_stretch_in_every_share(seed: int) -> None:
    clips = normals(a=1200, b=300, c=2000, d=9, e=9, f=40)
    rows = {
        name: [row for row, clip in enumerate(clips) if clip.path == f"/{name}.wav"]
        for name in "abcdef"
    }
    shares = shares_of(clips, FLEET, seed)
    for name in "abc":
        parts = [np.intersect1d(share, rows[name]) for share in shares]
        assert [runs(part) for part in parts] == [1] * 5
        assert all(len(part) >= 2 for part in parts)
    assert sorted(np.concatenate(shares)) == list(range(len(clips)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("held_out", [0.05, 0.2, 0.5])
def test_shares_are_all_of_the_normals_and_the_first_has_two(seed: int, held_out: float) -> None:
    recipe = FLEET.with_values(training={"held_out": held_out})
    for clips in (normals(a=130), normals(a=600, b=9), normals(a=35, b=40, c=50, d=60)):
        shares = shares_of(clips, recipe, seed)
        assert sorted(np.concatenate(shares)) == list(range(len(clips)))
        assert len(shares[0]) >= 2


def test_recordings_that_are_not_cut_are_drawn_by_chance_one_by_one() -> None:
    clips = normals(**{f"clip{n:02}": 9.0 for n in range(20)})
    order = stream(3, HELD_OUT).permutation(20)
    expected = [order[:4], *np.array_split(order[4:], 4)]
    for share, of in zip(shares_of(clips, FLEET, 3), expected, strict=True):
        np.testing.assert_array_equal(share, of)


def test_trainings_of_one_seed_hold_out_each_clip_once() -> None:
    clips = normals(a=1200, b=9, c=45)
    splits = [split_normals(clips, PRESS, FLEET, seed=1, share=share) for share in range(5)]
    held_out = np.concatenate([split.held_out for split in splits])
    assert sorted(held_out) == list(range(len(clips)))
    for split in splits:
        assert not set(split.trained) & set(split.held_out)
        assert len(split.trained) + len(split.held_out) == len(clips)
