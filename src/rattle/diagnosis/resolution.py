"""Say how finely a clip is measured in frequency and time, at any sample rate.

What is told apart is a matter of physics, not of samples: lines 2 Hz apart, knocks 0.06 s long,
pulses up to some hundred a second. The lengths in samples follow, as powers of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Bins = NDArray[np.int64]
Weights = NDArray[np.float32]

BIN_HZ = 2.0
MOST_BINS = 4096  # so that a reference stays small; at 48 kHz a bin is 5.9 Hz wide
FRAME_S = 0.064
SCALES_S = (0.06, 0.25, 1.0)  # of the moving mean level
LOWEST_HZ = 10.0  # below it microphones hear draught
LOWEST_CHANNEL_HZ = 60.0
CHANNELS = 5  # without the one that holds all
PULSE_FRAME_S = 0.002
LEAST_PULSE_FRAME = 16
PULSE_BIN_HZ = 1.0
PULSE_CHANNELS = 2  # the highest: blows excite high resonances, far from the lines of the machine


@dataclass(frozen=True)
class Resolution:
    """How finely a clip of a sample rate is measured in frequency and time."""

    sample_rate_hz: int

    @cached_property
    def fft_length(self) -> int:
        """Count the samples of a transform whose bins are about 2 Hz wide."""
        wanted = round(np.log2(self.sample_rate_hz / BIN_HZ))
        return int(min(2**wanted, 2 * MOST_BINS))

    @property
    def bin_hz(self) -> float:
        """Give the distance of two bins."""
        return self.sample_rate_hz / self.fft_length

    @cached_property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Give the frequencies of the bins ``[F]``."""
        return np.asarray(np.arange(self.fft_length // 2 + 1) * self.bin_hz)

    @property
    def first_bin(self) -> int:
        """Find the lowest bin that counts: neither draught nor what a constant leaks."""
        return max(int(np.ceil(LOWEST_HZ / self.bin_hz)), 2)

    @cached_property
    def band_bins(self) -> Bins:
        """Give the bins at which the third-octave bands begin, and the last one's end ``[B + 1]``.

        A band that would hold a single bin is joined with the next.
        """
        thirds = 1000 * 2 ** (np.arange(-22, 25) / 3)
        edges = np.round(thirds / self.bin_hz).astype(np.int64)
        last = self.fft_length // 2 + 1
        edges = edges[(edges > self.first_bin) & (edges < last)]
        apart = [self.first_bin]
        for edge in edges.tolist():
            if edge - apart[-1] >= 2:
                apart.append(edge)
        if last - apart[-1] < 2:
            apart.pop()
        return np.array([*apart, last])

    @cached_property
    def frame_length(self) -> int:
        """Count the samples of a frame of about 64 ms; frames overlap by half."""
        return int(2 ** round(np.log2(FRAME_S * self.sample_rate_hz)))

    @property
    def frame_s(self) -> float:
        """Give the seconds from one frame to the next."""
        return self.frame_length / 2 / self.sample_rate_hz

    @cached_property
    def scales(self) -> tuple[int, ...]:
        """Count the frames whose mean is taken at each time scale, ``S`` of them."""
        return tuple(max(round(scale_s / self.frame_s) - 1, 1) for scale_s in SCALES_S)

    @cached_property
    def channels_hz(self) -> tuple[tuple[float, float], ...]:
        """Give the lowest and highest frequency of each channel, ``C`` of them; all at the end."""
        top = self.sample_rate_hz / 2
        edges = np.geomspace(LOWEST_CHANNEL_HZ, top, CHANNELS + 1).tolist()
        return (*pairwise(edges), (edges[0], top))

    @cached_property
    def channel_weights(self) -> Weights:
        """Say which bins of a frame each channel holds, ``[frame_length // 2 + 1, C]``."""
        return self._weights(self.frame_length, self.channels_hz)

    @property
    def pulse_channels_hz(self) -> tuple[tuple[float, float], ...]:
        """Give the lowest and highest frequency of the channels in which pulses are looked for."""
        return self.channels_hz[CHANNELS - PULSE_CHANNELS : CHANNELS]

    @cached_property
    def pulse_frame_length(self) -> int:
        """Count the samples of a frame of about 2 ms, short enough to follow pulses."""
        return max(int(2 ** round(np.log2(PULSE_FRAME_S * self.sample_rate_hz))), LEAST_PULSE_FRAME)

    @cached_property
    def pulse_weights(self) -> Weights:
        """Say which bins of such a frame each pulse channel holds, ``[..., PULSE_CHANNELS]``."""
        return self._weights(self.pulse_frame_length, self.pulse_channels_hz)

    @cached_property
    def pulse_fft_length(self) -> int:
        """Count the frames of a transform whose bins are about 1 Hz wide."""
        frames_hz = self.sample_rate_hz / (self.pulse_frame_length / 2)
        return int(2 ** round(np.log2(frames_hz / PULSE_BIN_HZ)))

    @property
    def pulse_bin_hz(self) -> float:
        """Give the distance of two rates at which pulses are told apart."""
        return self.sample_rate_hz / (self.pulse_frame_length / 2) / self.pulse_fft_length

    @property
    def shortest(self) -> int:
        """Count the samples that a clip needs at least."""
        pulses = (self.pulse_fft_length + 1) * self.pulse_frame_length // 2
        return max(self.fft_length, self.frame_length, pulses)

    def _weights(self, length: int, channels_hz: tuple[tuple[float, float], ...]) -> Weights:
        hz = np.arange(length // 2 + 1) * self.sample_rate_hz / length
        held = [(hz >= low) & (hz <= high) for low, high in channels_hz]
        return np.stack(held, axis=1).astype(np.float32)
