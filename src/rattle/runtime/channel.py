"""Select the channel that a detector hears, and bring it to its rate, chunk by chunk."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from rattle.clips.reading import holds_samples
from rattle.errors import ClipError
from rattle.recipe.parts import Audio

Samples = NDArray[np.float32]


class ChannelStream:
    """One channel at the recipe's rate, from chunks of any length at another rate.

    Does in pieces what ``read_clip`` does with a file: the same channel, the same resampler. The
    resampler needs some sound ahead, so what comes out lags by some milliseconds; it is not
    delayed in itself: sample 0 is sample 0 of the input.
    """

    def __init__(self, audio: Audio, sample_rate_hz: int) -> None:
        self._channel = audio.channel
        self._resampler = (
            None
            if sample_rate_hz == audio.sample_rate_hz
            else soxr.ResampleStream(sample_rate_hz, audio.sample_rate_hz, 1, "float32", "HQ")
        )

    def push(self, chunk: Samples) -> Samples:
        """Take the next chunk, ``[T]`` or ``[T, channels]``, and give what it completes, ``[T']``.

        ``ClipError`` where the recipe's channel is not there, or where a sample is no number.
        """
        mono = select_channel(chunk, self._channel)
        mono = mono.mean(axis=1) if mono.shape[1] > 1 else mono[:, 0]
        if mono.size and not holds_samples(mono):
            raise ClipError("the stream holds NaN, infinite or absurdly large samples")
        mono = np.ascontiguousarray(mono, dtype=np.float32)
        if self._resampler is None:
            return mono
        return np.asarray(self._resampler.resample_chunk(mono), dtype=np.float32)


def select_channel(chunk: Samples, channel: int | str) -> Samples:
    """Take the channels of ``[T]`` or ``[T, channels]`` that a recipe hears: ``[T, 1 or all]``."""
    columns = chunk[:, None] if chunk.ndim == 1 else chunk
    if channel == "mean":
        return columns
    index = int(channel)
    if index >= columns.shape[1]:
        raise ClipError(
            f"the stream has no channel {index}, it has {columns.shape[1]}; the recipe's "
            "audio.channel says which one is heard"
        )
    return columns[:, index : index + 1]
