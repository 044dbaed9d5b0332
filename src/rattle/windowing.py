"""Which windows of a clip are scored, as its recipe says (section IV-A)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.recipe import Recipe
from rattle.scoring.windows import sliding_starts, spread_starts


@dataclass(frozen=True)
class Windows:
    """Windows of ``length`` frames that begin at the frames ``starts`` ``[n]``, ascending."""

    starts: NDArray[np.int64]
    length: int

    def frames(self, of: int) -> NDArray[np.int64]:
        """The frames that each holds ``[n, length]``, of a clip of so many frames.

        A clip shorter than a window is repeated, as ``scoring.windows.cut`` does.
        """
        return (self.starts[:, None] + np.arange(self.length)) % of


def clip_windows(frames: int, recipe: Recipe) -> Windows:
    """The windows of a clip of ``frames`` frames.

    A recording longer than ``scoring.long_clip_seconds`` has a sliding window. Of a shorter one
    ``scoring.view`` decides: a few windows, or a single one as long as the clip.
    """
    starts, window = timeline_starts(frames, recipe), recipe.features.window_frames
    if starts is not None:
        return Windows(starts, window)
    if recipe.scoring.view == "whole":
        return Windows(np.zeros(1, dtype=np.int64), max(frames, window))
    return Windows(spread_starts(frames, window, recipe.scoring.windows), window)


def timeline_starts(frames: int, recipe: Recipe) -> NDArray[np.int64] | None:
    """First frames of the windows slid over a long recording of ``frames`` frames.

    None for a clip no longer than ``scoring.long_clip_seconds``, which is scored as a whole.
    """
    # Frames are centred on hops, the first at 0: the last one tells how long the clip is.
    if (frames - 1) * frame_seconds(recipe) <= recipe.scoring.long_clip_seconds:
        return None
    return sliding_starts(frames, recipe.features.window_frames, timeline_hop(recipe))


def timeline_hop(recipe: Recipe) -> int:
    """Frames from one window of a long recording, or of a stream, to the next."""
    return max(round(recipe.scoring.timeline_seconds / frame_seconds(recipe)), 1)


def frame_seconds(recipe: Recipe) -> float:
    """Seconds from one frame to the next."""
    return recipe.features.hop_samples / recipe.audio.sample_rate_hz
