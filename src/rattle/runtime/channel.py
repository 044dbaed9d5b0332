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
        """Raises ``ClipError`` for a rate that is no whole number from 1 on."""
        if not isinstance(sample_rate_hz, int | np.integer) or sample_rate_hz < 1:
            raise ClipError(
                f"a sample rate of {sample_rate_hz!r}; expected samples a second, such as 16000"
            )
        self._channel = audio.channel
        self._resampler = (
            None
            if sample_rate_hz == audio.sample_rate_hz
            else soxr.ResampleStream(sample_rate_hz, audio.sample_rate_hz, 1, "float32", "HQ")
        )

    def push(self, chunk: Samples) -> Samples:
        """Take the next chunk, as ``mono_of`` does, and give what it completes, ``[T']``."""
        mono = mono_of(chunk, self._channel)
        if self._resampler is None:
            return mono
        return np.asarray(self._resampler.resample_chunk(mono), dtype=np.float32)


def mono_of(samples: object, channel: int | str) -> Samples:
    """Check an array of samples and take what a recipe hears of it: float32 ``[T]``.

    ``[T]`` is the one channel that is heard; of ``[T, channels]`` it is ``channel``, or the mean.
    Samples are floating-point numbers, full scale at +-1. Raises ``ClipError`` for anything else,
    and where the channel is not there or a sample is NaN, infinite or beyond 1e10.
    """
    expected = (
        "expected an array of floating-point samples, full scale at +-1, [T] or [T, channels]"
    )
    if not isinstance(samples, np.ndarray):
        raise ClipError(f"samples of type {type(samples).__name__}; {expected}")
    shape = list(samples.shape)
    if samples.dtype.kind != "f" or samples.ndim not in (1, 2):
        raise ClipError(f"samples of type {samples.dtype} and shape {shape}; {expected}")
    if samples.ndim == 2 and 0 < len(samples) < samples.shape[1]:
        raise ClipError(
            f"samples of shape {shape} have more channels than samples; expected [T, channels], so "
            "transpose them"
        )
    mono = samples if samples.ndim == 1 else mean_of(select_channel(samples, channel))
    if mono.size and not holds_samples(mono):
        raise ClipError("the samples hold NaN, infinite or absurdly large numbers; leave them out")
    return np.ascontiguousarray(mono, dtype=np.float32)


def mean_of(columns: Samples) -> Samples:
    """Average channels, ``[T, channels] -> [T]``."""
    return columns.mean(axis=1) if columns.shape[1] > 1 else columns[:, 0]


def select_channel(chunk: Samples, channel: int | str) -> Samples:
    """Take the channels of ``[T, channels]`` that a recipe hears: ``[T, 1 or all]``.

    Raises ``ClipError`` where there is no such channel.
    """
    if channel == "mean":
        return chunk
    index = int(channel)
    if index >= chunk.shape[1]:
        raise ClipError(
            f"the sound has no channel {index}, it has {chunk.shape[1]}; the recipe's "
            "audio.channel says which one is heard"
        )
    return chunk[:, index : index + 1]
