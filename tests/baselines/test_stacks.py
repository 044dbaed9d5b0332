"""Stacked frames: every run of frames, in order, without a copy of the clip."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.baselines.stacks import Stacks, stacked


def clip(frames: int, first: float = 0.0) -> np.ndarray:
    """Frames of 4 bands whose every number is another."""
    return (first + np.arange(frames * 4)).reshape(frames, 4).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 2, 5, 9])
def test_a_vector_is_consecutive_frames_one_after_another(frames: int) -> None:
    log_mel = clip(9)
    expected = [log_mel[t : t + frames].ravel() for t in range(9 - frames + 1)]
    np.testing.assert_array_equal(stacked(log_mel, frames), expected)


def test_stacking_takes_no_memory(tmp_path) -> None:
    mapped = np.memmap(tmp_path / "frames", np.float32, "w+", shape=(9, 4))
    assert np.shares_memory(stacked(mapped[2:8], 3), mapped)


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_clip_of_fewer_frames_is_repeated_into_one_vector(frames: int) -> None:
    log_mel = clip(frames)
    whole = np.concatenate([log_mel] * 5)[:5]
    np.testing.assert_array_equal(stacked(log_mel, 5), [whole.ravel()])


def test_a_batch_is_copied_from_the_clips_it_falls_into() -> None:
    clips = [clip(6), clip(2, 1000), clip(4, 2000)]
    stacks = Stacks.of(clips, 3)
    every = np.concatenate([stacked(each, 3) for each in clips])
    assert len(stacks) == len(every) == 4 + 1 + 2
    chosen = np.array([6, 0, 4, 3, 5, 0])
    batch = stacks.take(chosen)
    np.testing.assert_array_equal(batch, every[chosen])
    batch[:] = 0
    np.testing.assert_array_equal(stacks.take(chosen), every[chosen])
