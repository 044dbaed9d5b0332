"""Measure what a person could name of a clip's sound: its spectrum, and how its level moves.

    clip ──┬── spectrum, 2 Hz a bin ──────────── lines and third-octave bands
           ├── level of each channel over time ─ knocks, bursts and pauses
           └── spectrum of that level ────────── pulses: blows of a bearing, a rub once a turn

A channel is a broad band of frequencies; the last one is all of them (``resolution``). Levels are
in dB of full scale, and nothing is softer than ``SILENCE_DB``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rattle.diagnosis.resolution import Resolution

Samples = NDArray[np.float32]
Levels = NDArray[np.float32]
Powers = NDArray[np.float32]

LONGEST_S = 30.0  # of a recording this much is heard, from its beginning; bounds memory
SILENCE_DB = -140.0  # 16 bits have 98 dB
BLOCK = 1 << 16  # samples transformed at once: they stay in a core's cache


@dataclass(frozen=True)
class Measured:
    """What is measured of a clip.

    ``spectrum_db [F]`` is Welch's (Hann, half overlap): 0 dB is a tone of full scale.
    ``steady_db [B]`` is the median over time of the level in each third-octave band, which a
    burst does not move.
    ``loudest_db`` and ``softest_db [S, C]`` are the highest and lowest moving means of the level
    over the clip, at each time scale in each channel; ``mean_db [C]`` its mean over the clip.
    ``pause_s [C]`` is how long the level stays low at a stretch: below the middle between its soft
    and its loud moments. ``pulse_db [P, R]`` is the spectrum of the amplitude in the P highest
    channels: 0 dB is one that swells from 0 to twice its mean.
    """

    spectrum_db: Levels
    steady_db: Levels
    loudest_db: Levels
    softest_db: Levels
    mean_db: Levels
    pause_s: Levels
    pulse_db: Levels

    @classmethod
    def of(cls, samples: Samples, resolution: Resolution) -> Measured:
        """Measure a clip's samples ``[T]``, of a longer one the first 30 s."""
        heard = beginning(samples, resolution)
        return cls.with_course(heard, course(heard, resolution), resolution)

    @classmethod
    def with_course(cls, samples: Samples, powers: Powers, resolution: Resolution) -> Measured:
        """Measure a clip whose ``course`` is known: samples ``[T]``, powers ``[C, frames]``."""
        moving = [moving_mean(powers, length) for length in resolution.scales]
        frames = np.concatenate(list(_frame_powers(samples, resolution.fft_length)))
        bands = np.add.reduceat(frames, resolution.band_bins[:-1], axis=1)
        return cls(
            spectrum_db=decibels(frames.mean(axis=0)),
            steady_db=decibels(np.median(bands, axis=0)),
            loudest_db=decibels(np.stack([mean.max(axis=1) for mean in moving])),
            softest_db=decibels(np.stack([mean.min(axis=1) for mean in moving])),
            mean_db=decibels(powers.mean(axis=1)),
            pause_s=np.array(
                [(end - start) * resolution.frame_s for start, end in pauses(powers)], np.float32
            ),
            pulse_db=pulse_db(samples, resolution),
        )


def beginning(samples: Samples, resolution: Resolution) -> Samples:
    """Cut out what is heard of a recording ``[T]``: no more than 30 s, at least one transform.

    A shorter one is repeated. A constant is taken out. ``ValueError`` for a clip without samples,
    or with some that are no numbers.
    """
    heard = samples[: round(LONGEST_S * resolution.sample_rate_hz)].astype(np.float32)
    if not len(heard):
        raise ValueError("a clip without samples cannot be measured")
    if len(heard) < resolution.shortest:
        heard = np.resize(heard, resolution.shortest)
    mean = heard.mean(dtype=np.float64)
    if not np.isfinite(mean):
        raise ValueError("a clip with samples that are no finite numbers cannot be measured")
    centred: Samples = heard - np.float32(mean)
    return centred


def course(samples: Samples, resolution: Resolution) -> Powers:
    """Follow the power in each channel over time: ``[T] -> [C, frames]``."""
    weights = resolution.channel_weights
    blocks = [powers @ weights for powers in _frame_powers(samples, resolution.frame_length)]
    return np.concatenate(blocks).T.astype(np.float32)


def pulse_db(samples: Samples, resolution: Resolution) -> Levels:
    """Compute the spectrum of the amplitude in each pulse channel: ``[T] -> [P, R]``, in dB."""
    weights = resolution.pulse_weights
    blocks = [powers @ weights for powers in _frame_powers(samples, resolution.pulse_frame_length)]
    amplitude = np.sqrt(np.concatenate(blocks).T)
    mean = amplitude.mean(axis=1, keepdims=True)
    amplitude = amplitude / np.maximum(mean, 10 ** (SILENCE_DB / 20)) - (mean > 0)
    length = resolution.pulse_fft_length
    spectra = [np.concatenate(list(_frame_powers(channel, length))) for channel in amplitude]
    return decibels(np.mean(spectra, axis=1))


def course_between(
    samples: Samples, low_hz: float, high_hz: float, resolution: Resolution
) -> Powers:
    """Follow the power between two frequencies over time: ``[T] -> [frames]``."""
    bin_hz = resolution.sample_rate_hz / resolution.frame_length
    first = int(low_hz / bin_hz)
    last = max(int(np.ceil(high_hz / bin_hz)), first + 1)
    blocks = _frame_powers(samples, resolution.frame_length)
    return np.concatenate([powers[:, first:last].sum(axis=1) for powers in blocks])


def moving_mean(powers: Powers, length: int) -> NDArray[np.float64]:
    """Average over ``length`` frames ``[..., frames] -> [..., frames - length + 1]``."""
    length = min(length, powers.shape[-1])
    sums = np.cumsum(powers, axis=-1, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)
    # A difference of sums may be below 0 by rounding.
    return np.asarray(np.maximum(sums[..., length:] - sums[..., :-length], 0) / length)


def pauses(powers: Powers) -> list[tuple[int, int]]:
    """Find the longest stretch of low level in each channel, as first frame and end.

    Low is below the middle, in dB, between the clip's soft and loud moments: its 10th and 90th
    percentile.
    """
    levels = decibels(moving_mean(powers, 3))
    soft, loud = np.quantile(levels, [0.1, 0.9], axis=1)
    return [_longest_run(low) for low in levels < ((soft + loud) / 2)[:, None]]


def decibels(powers: NDArray[np.floating]) -> Levels:
    """Turn powers into dB, none below ``SILENCE_DB``."""
    levels = 10 * np.log10(np.maximum(powers, 10 ** (SILENCE_DB / 10)))
    return np.asarray(levels, dtype=np.float32)


def _longest_run(low: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], low, [False]])))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def _frame_powers(samples: Samples, length: int) -> Iterator[Powers]:
    """Give the power spectra of frames that overlap by half, in blocks ``[n, length // 2 + 1]``."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    window *= np.float32(2 / window.sum())
    frames = sliding_window_view(samples, length)[:: length // 2]
    at_once = max(BLOCK // length, 1)
    for start in range(0, len(frames), at_once):
        spectra = np.fft.rfft(frames[start : start + at_once] * window)
        yield np.asarray(spectra.real**2 + spectra.imag**2, dtype=np.float32)
