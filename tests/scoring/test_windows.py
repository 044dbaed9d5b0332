"""Where windows lie, and what they hold."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rattle.scoring.windows import cut, sliding_starts, spread_starts

FRAMES, WINDOW = st.integers(1, 400), st.integers(1, 300)


def frames(count: int, bands: int = 2) -> np.ndarray:
    """Frames that know their number."""
    return np.repeat(np.arange(count, dtype=np.float32)[:, None], bands, axis=1)


def test_ten_windows_of_a_ten_second_clip_are_the_papers() -> None:
    # 313 frames, 256 a window: 57 frames to move over in nine steps of 6 1/3.
    starts = spread_starts(313, 256, 10)
    assert starts.tolist() == [0, 6, 13, 19, 25, 32, 38, 44, 51, 57]


@given(FRAMES, WINDOW, st.integers(2, 12))
def test_spread_windows_begin_with_the_clip_and_end_with_it(clip, window, count) -> None:
    starts = spread_starts(clip, window, count)
    assert starts[0] == 0
    assert starts[-1] == max(clip - window, 0)
    steps = np.diff(starts)
    assert (steps > 0).all()
    # As many as asked for where there is room for them, evenly spaced but for rounding.
    assert len(starts) == min(count, max(clip - window, 0) + 1)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


@given(FRAMES, WINDOW)
def test_a_single_window_lies_in_the_middle(clip, window) -> None:
    (start,) = spread_starts(clip, window, 1)
    before, after = start, max(clip - window, 0) - start
    assert after - before in (0, 1)


@given(FRAMES, WINDOW, st.integers(1, 50))
def test_sliding_windows_leave_no_frame_out(clip, window, hop) -> None:
    starts = sliding_starts(clip, window, hop)
    assert starts[0] == 0
    assert starts[-1] == max(clip - window, 0)
    steps = np.diff(starts)
    assert (steps[:-1] == hop).all()
    assert (steps > 0).all()
    assert (steps <= hop).all()


def test_a_window_holds_the_frames_from_its_start() -> None:
    windows = cut(frames(10), np.array([0, 3, 6]), 4)
    assert windows.shape == (3, 4, 2)
    assert windows[:, :, 1].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


def test_a_clip_shorter_than_a_window_is_repeated() -> None:
    (window,) = cut(frames(3), spread_starts(3, 7, 10), 7)
    assert window.tolist() == [[n, n] for n in (0, 1, 2, 0, 1, 2, 0)]


@given(FRAMES, WINDOW, st.integers(1, 12))
def test_windows_are_whole_and_of_the_clip(clip, window, count) -> None:
    windows = cut(frames(clip), spread_starts(clip, window, count), window)
    assert windows.shape[1:] == (window, 2)
    following = (windows[:, :-1, 0] + 1) % clip
    np.testing.assert_array_equal(windows[:, 1:, 0], following)
