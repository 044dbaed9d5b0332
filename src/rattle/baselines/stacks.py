"""Stack consecutive frames into vectors, the autoencoder's inputs, copied only when asked for.

frames   0 1 2 3 4 5 6 ...
vector 0 |_______|
vector 1   |_______|
vector 2     |_______|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.learning.batches import ClipFeatures
from rattle.scoring.windows import cut


def stacked(log_mel: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """View each run of ``frames`` frames as one vector.

    Shape: ``[T, bands] -> [T - frames + 1, frames bands]``.

    A read-only view that takes no memory. A clip of fewer frames is repeated until it has them.
    """
    if len(log_mel) < frames:
        log_mel = cut(log_mel, np.zeros(1, dtype=np.int64), frames)[0]
    bands = log_mel.shape[1]
    # One frame further is as many numbers further as there are bands.
    flat = np.ascontiguousarray(log_mel).reshape(-1)
    return np.lib.stride_tricks.sliding_window_view(flat, frames * bands)[::bands]


@dataclass(frozen=True)
class Stacks:
    """The vectors of some clips one after another; ``ends[i]`` counts those up to clip i's last.

    Ten minutes of sound are 50 MB of stacked vectors, a thousand clips 800 MB: only the batches
    are ever copied.
    """

    views: tuple[NDArray[np.float32], ...]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, clips: ClipFeatures, frames: int) -> Stacks:
        views = tuple(stacked(clip, frames) for clip in clips)
        return cls(views, np.cumsum([len(view) for view in views]))

    def __len__(self) -> int:
        return int(self.ends[-1])

    def take(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """Copy the chosen vectors, ``[B] -> [B, frames bands]``."""
        clips = np.searchsorted(self.ends, chosen, side="right")
        batch = np.empty((len(chosen), self.views[0].shape[1]), dtype=np.float32)
        for row, (clip, vector) in enumerate(zip(clips, chosen, strict=True)):
            # Counted from the clip's end, as a negative index.
            batch[row] = self.views[clip][vector - self.ends[clip]]
        return batch
