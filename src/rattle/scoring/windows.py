"""Choose which windows of a clip are scored, and cut them out (section IV-A).

The paper has ten windows of 256 frames that overlap; a recipe may have others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe

# Of a long recording so many windows are looked at together; bounds its memory.
WINDOWS_AT_ONCE = 64
# Windows that a clip may be long for its spectrum to be that of all of it: the lines of a longer
# one are narrower than the spectrum's bins, and would fall between them.
FOLDED = 1.5


@dataclass(frozen=True)
class Windows:
    """Windows of ``length`` frames that begin at the frames ``starts`` ``[n]``, ascending."""

    starts: NDArray[np.int64]
    length: int

    def frames(self, of: int) -> NDArray[np.int64]:
        """Give the frames that each holds ``[n, length]``, of a clip of so many frames.

        A clip shorter than a window is repeated, as ``cut`` does.
        """
        return (self.starts[:, None] + np.arange(self.length)) % of


def clip_windows(frames: int, recipe: Recipe) -> Windows:
    """Choose the windows of a clip of ``frames`` frames by which it is scored.

    A recording longer than ``scoring.long_clip_seconds`` has a sliding window. Of a shorter one
    ``scoring.view`` decides: a few windows, or a single one as long as the clip.
    """
    window = recipe.features.window_frames
    longest = FOLDED * window if recipe.sees_spectrum else math.inf
    is_short = timeline_starts(frames, recipe) is None and frames <= longest
    if recipe.scoring.view == "whole" and is_short:
        return Windows(np.zeros(1, dtype=np.int64), max(frames, window))
    return several_windows(frames, recipe, recipe.scoring.windows)


def several_windows(frames: int, recipe: Recipe, count: int) -> Windows:
    """Spread ``count`` windows over a clip, or as many as cover it: no part of it goes unheard.

    A recording longer than ``scoring.long_clip_seconds`` has a sliding window.
    """
    starts, window = timeline_starts(frames, recipe), recipe.features.window_frames
    if starts is None:
        starts = spread_starts(frames, window, max(count, -(-frames // window)))
    return Windows(starts, window)


def timeline_starts(frames: int, recipe: Recipe) -> NDArray[np.int64] | None:
    """Give the first frames of the windows slid over a long recording of ``frames`` frames.

    None for a clip no longer than ``scoring.long_clip_seconds``, which is scored as a whole.
    """
    if not is_long(frames, recipe):
        return None
    return sliding_starts(frames, recipe.features.window_frames, timeline_hop(recipe))


def is_long(frames: int, recipe: Recipe) -> bool:
    """Say whether a recording of so many frames is slid over and not scored as a whole."""
    # Frames are centred on hops, the first at 0: the last one tells how long the clip is.
    return (frames - 1) * frame_seconds(recipe) > recipe.scoring.long_clip_seconds


def timeline_hop(recipe: Recipe) -> int:
    """Count the frames from one window of a long recording, or of a stream, to the next."""
    return max(round(recipe.scoring.timeline_seconds / frame_seconds(recipe)), 1)


def frame_seconds(recipe: Recipe) -> float:
    """Give the seconds from one frame to the next."""
    return recipe.features.hop_samples / recipe.audio.sample_rate_hz


def spread_starts(frames: int, window: int, count: int) -> NDArray[np.int64]:
    """Spread ``count`` windows over a clip of ``frames`` frames: their first frames, ascending.

    The first starts at 0, the last ends with the clip; a clip no longer than one window has the
    single start 0.

    >>> spread_starts(313, 256, 4)
    array([ 0, 19, 38, 57])
    """
    last = frames - window
    if last <= 0 or count == 1:
        return np.array([max(last, 0) // 2], dtype=np.int64)
    return np.unique(np.round(np.linspace(0, last, count)).astype(np.int64))


def sliding_starts(frames: int, window: int, hop: int) -> NDArray[np.int64]:
    """Give the first frames of windows each ``hop`` frames; the last window ends with the clip."""
    last = max(frames - window, 0)
    starts = np.arange(0, last + 1, hop, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def cut(features: NDArray[Any], starts: NDArray[np.int64], window: int) -> NDArray[Any]:
    """Cut a clip ``[T, width]``, ``filled`` if short, into ``[len(starts), window, width]``."""
    if len(features) < window:
        features = filled(features, window)
    return np.stack([features[start : start + window] for start in starts])


def filled(features: NDArray[Any], window: int) -> NDArray[Any]:
    """Repeat a clip shorter than a window until it fills one: ``[T, width] -> [W, width]``.

    A steady sound stays steady, and there is no silence in it that no machine made.
    """
    return np.resize(features, (window, features.shape[1]))
