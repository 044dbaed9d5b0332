"""Which windows of a clip are scored."""

from __future__ import annotations

import numpy as np
import pytest

from rattle.recipe import Recipe
from rattle.scoring.windows import clip_windows, cut, several_windows, timeline_hop


def recipe(view: str) -> Recipe:
    return Recipe.load("paper").with_values(scoring={"view": view})


def test_the_paper_sees_ten_windows_of_a_clip_and_the_small_recipe_all_of_it() -> None:
    ten = clip_windows(313, Recipe.load("paper"))
    assert (len(ten.starts), ten.length, ten.starts[0], ten.starts[-1]) == (10, 256, 0, 57)
    whole = clip_windows(313, Recipe.load("small"))
    assert (whole.starts.tolist(), whole.length) == ([0], 313)


@pytest.mark.parametrize(("frames", "starts"), [(313, [0]), (384, [0]), (385, [0, 129])])
def test_a_clip_is_seen_whole_by_its_spectrum_up_to_one_and_a_half_windows(
    frames: int, starts: list[int]
) -> None:
    recipe = Recipe.load("fleet").with_values(scoring={"view": "whole"})
    windows = clip_windows(frames, recipe)
    assert windows.starts.tolist() == starts
    assert windows.length == (frames if len(starts) == 1 else 256)


@pytest.mark.parametrize(
    ("frames", "count", "starts"),
    [(313, 4, [0, 19, 38, 57]), (200, 4, [0]), (600, 2, [0, 172, 344])],
)
def test_several_windows_are_spread_and_cover_the_clip(
    frames: int, count: int, starts: list[int]
) -> None:
    windows = several_windows(frames, Recipe.load("fleet"), count)
    assert (windows.starts.tolist(), windows.length) == (starts, 256)


@pytest.mark.parametrize("view", ["windows", "whole"])
def test_a_long_recording_has_a_sliding_window_in_either_view(view: str) -> None:
    windows = clip_windows(2000, recipe(view))
    assert windows.length == 256
    # A second is 31.25 frames; the last window ends with the recording.
    assert set(np.diff(windows.starts)[:-1]) == {31} == {timeline_hop(recipe(view))}
    assert windows.starts[-1] == 2000 - 256


@pytest.mark.parametrize("view", ["windows", "whole"])
@pytest.mark.parametrize("frames", [1, 100, 256, 257, 313])
def test_the_frames_of_a_window_are_those_that_are_cut(view: str, frames: int) -> None:
    clip = np.random.default_rng(0).normal(size=(frames, 4)).astype(np.float32)
    windows = clip_windows(frames, recipe(view))
    np.testing.assert_array_equal(
        clip[windows.frames(frames)], cut(clip, windows.starts, windows.length)
    )
