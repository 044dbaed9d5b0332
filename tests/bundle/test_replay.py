"""The replay set: bounded, fair, and read back as it was kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rattle.bundle import replay as module
from rattle.bundle.replay import Replay, alternating, replay_frames
from rattle.detector.by_hash import shuffled
from rattle.recipe import Recipe

BANDS = 4


def log_mels(count: int, first: int = 0, frames: int = 6) -> dict[str, NDArray[np.float32]]:
    """Clips ``first``, ``first + 1`` ... of decibels that half precision cannot hold."""
    rng = np.random.default_rng(first)
    return {
        f"{first + n:064x}": rng.uniform(-100, 60, (frames, BANDS)).astype(np.float32)
        for n in range(count)
    }


def whole(machines: int = 3) -> Replay:
    return Replay(
        normals=log_mels(9),
        held_out=log_mels(4, 100),
        anomalies=log_mels(2, 200),
        outliers={f"fan/id_{m:02}": log_mels(5, 1000 * (m + 1)) for m in range(machines)},
    )


def equal(one: Replay, other: Replay) -> bool:
    """The same clips in the same order, bit for bit."""

    def listed(clips: Replay) -> list[tuple[str, list[tuple[str, bytes, tuple[int, ...]]]]]:
        groups = {
            "normals": clips.normals,
            "held_out": clips.held_out,
            "anomalies": clips.anomalies,
            **clips.outliers,
        }
        return [
            (name, [(hash_, clip.tobytes(), clip.shape) for hash_, clip in of.items()])
            for name, of in groups.items()
        ]

    return listed(one) == listed(other)


# What is kept


@given(st.integers(0, 40), st.integers(1, 9))
def test_no_kind_holds_more_clips_than_asked_for(clips: int, machines: int) -> None:
    kept = whole(machines).bounded(clips, 100)
    assert len(kept.normals) == min(clips, 9)
    assert len(kept.held_out) == min(clips, 4)
    assert len(kept.anomalies) == min(clips, 2)
    shares = [len(of) for of in kept.outliers.values()]
    assert sum(shares) == min(clips, 5 * machines) or max(shares) == 5
    assert sum(shares) <= clips
    assert 0 not in shares


def test_machines_share_the_outliers_evenly_and_few_are_spread_over_them() -> None:
    assert [len(of) for of in whole(3).bounded(8, 9).outliers.values()] == [2, 3, 3]
    assert list(whole(9).bounded(3, 9).outliers) == ["fan/id_02", "fan/id_05", "fan/id_08"]


def test_the_first_clips_and_their_first_frames_are_kept() -> None:
    kept, every = whole().bounded(3, 2), whole()
    assert list(kept.normals) == list(every.normals)[:3]
    for name, clip in kept.normals.items():
        np.testing.assert_allclose(clip, every.normals[name][:2], rtol=2**-11)
        assert clip.dtype == np.float32


def test_a_kind_never_grows_beyond_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    one_clip = 6 * BANDS * 2
    monkeypatch.setattr(module, "KIND_BYTES", 3 * one_clip + 1)
    kept = whole().bounded(1000, 100)
    assert (len(kept.normals), len(kept.held_out), len(kept.anomalies)) == (3, 3, 2)
    assert [len(of) for of in kept.outliers.values()] == [1, 1, 1]
    # Clips cut shorter need less room each.
    assert len(whole().bounded(1000, 3).normals) == 6


def test_none_are_kept_where_none_are_asked_for() -> None:
    kept = whole().bounded(0, 100)
    assert kept.is_empty
    assert kept.arrays() == {}
    assert Replay().bounded(5, 5).arrays() == {}


@pytest.mark.parametrize("missing", ["normals", "held_out", "outliers"])
def test_without_a_kind_that_training_needs_a_set_is_empty(missing: str) -> None:
    assert not whole().is_empty
    assert not dataclasses.replace(whole(), anomalies={}).is_empty
    assert dataclasses.replace(whole(), **{missing: {}}).is_empty


def test_a_long_recording_gives_what_a_clip_may_last() -> None:
    recipe = Recipe.load("small")
    frame_s = recipe.features.hop_samples / recipe.audio.sample_rate_hz
    assert (replay_frames(recipe) - 1) * frame_s == pytest.approx(30, abs=frame_s)


# Written and read


def test_what_was_kept_reads_back_bit_for_bit_in_its_order() -> None:
    kept = dataclasses.replace(
        whole(), outliers={"b": log_mels(3, 5000), "a": log_mels(12, 6000)}
    ).bounded(40, 5)
    assert equal(Replay.of_arrays(load(save(kept.arrays()))), kept)


@pytest.mark.parametrize("machine", ["press 3|west", "ü/#1 %", "a\tb", "|", "press-3"])
def test_a_machine_may_have_any_name(machine: str) -> None:
    kept = Replay(outliers={machine: log_mels(2)}).bounded(2, 9)
    assert list(Replay.of_arrays(load(save(kept.arrays()))).outliers) == [machine]


def test_more_than_ten_clips_keep_their_order() -> None:
    kept = Replay(normals=dict(reversed(log_mels(25).items()))).bounded(25, 9)
    assert list(Replay.of_arrays(kept.arrays()).normals) == list(kept.normals)


GOOD = np.zeros((3, BANDS), np.float16)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("normals", GOOD),
        ("normals|000000|abc", GOOD),
        ("", GOOD),
        ("secrets|000000|abc|", GOOD),
        ("normals|000000|abc|fan/id_00", GOOD),
        ("outliers|000000|abc|", GOOD),
        ("normals|000000|abc|", GOOD.astype(np.float32)),
        ("normals|000000|abc|", GOOD.astype(np.int16)),
        ("normals|000000|abc|", GOOD[0]),
        ("normals|000000|abc|", GOOD[None]),
        ("normals|000000|abc|", GOOD[:0]),
        ("normals|000000|abc|", GOOD[:, :0]),
        ("normals|000000|abc|", np.full_like(GOOD, np.nan)),
        ("held_out|000000|abc|", np.full_like(GOOD, np.inf)),
    ],
)
def test_what_is_no_replay_set_is_refused_by_the_members_name(
    name: str, array: NDArray[np.generic]
) -> None:
    with pytest.raises(ValueError, match="its replay set") as refused:
        Replay.of_arrays({**whole().bounded(2, 2).arrays(), name: array})
    assert repr(name) in str(refused.value)


# Order


def test_shuffled_clips_are_the_same_clips_in_an_order_of_the_seed() -> None:
    clips = log_mels(30)
    one, again, other = shuffled(clips, 1), shuffled(clips, 1), shuffled(clips, 2)
    assert list(one) == list(again) != list(other)
    assert sorted(one) == sorted(clips) == sorted(other)
    assert all(one[name] is clips[name] for name in clips)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 6))
def test_any_beginning_of_alternating_clips_is_fair_to_both(
    first: int, second: int, shared: int
) -> None:
    new = log_mels(first)
    known = {**log_mels(min(shared, first)), **log_mels(second, 100)}
    both = alternating(new, known)
    assert both.keys() == new.keys() | known.keys()
    assert all(both[name] is clip for name, clip in new.items())
    only = {name for name in known if name not in new}
    for count in range(len(both)):
        beginning = list(both)[:count]
        assert sum(name in new for name in beginning) >= min(len(new), count // 2)
        assert sum(name in only for name in beginning) >= min(len(only), count // 2 - shared)
