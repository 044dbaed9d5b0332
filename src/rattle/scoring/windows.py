"""Where the windows of a clip lie (section IV-A: ten windows of 256 frames, overlapping)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread_starts(frames: int, window: int, count: int) -> NDArray[np.int64]:
    """First frames of ``count`` windows spread over a clip of ``frames`` frames, ascending.

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
    """First frames of windows each ``hop`` frames; the last window ends with the clip."""
    last = max(frames - window, 0)
    starts = np.arange(0, last + 1, hop, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def cut(
    log_mel: NDArray[np.float32], starts: NDArray[np.int64], window: int
) -> NDArray[np.float32]:
    """Windows ``[len(starts), window, bands]`` of a clip ``[T, bands]``, ``filled`` if shorter."""
    if len(log_mel) < window:
        log_mel = filled(log_mel, window)
    return np.stack([log_mel[start : start + window] for start in starts])


def filled(log_mel: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """A clip shorter than a window repeated until it fills one: ``[T, bands] -> [W, bands]``.

    A steady sound stays steady, and there is no silence in it that no machine made.
    """
    return np.resize(log_mel, (window, log_mel.shape[1]))
