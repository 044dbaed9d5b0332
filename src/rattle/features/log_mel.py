"""Compute log-mel frames of samples by torch and numpy, for training and for scoring with torch.

``graph_log_mel`` computes the same in operations that a bundle's ONNX graph may hold, from the
same ``mel_filters``; a test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rattle.recipe.parts import Audio, Features

# A bin lies in two of the bands at most, so that nearly all of a filter matrix is zeros: strips of
# this many bands over the bins that they span multiply an eighth of it.
STRIP_BANDS = 16


def mel_edges_hz(bands: int, sample_rate_hz: int) -> NDArray[np.float64]:
    """Compute where the bands begin, peak and end, ``[bands + 2]``: band i spans edges i to i + 2.

    Spans 0 Hz to half the sample rate on Slaney's mel scale: linear with 200/3 Hz a mel below
    1 kHz, above it logarithmic with 27 mels for a factor of 6.4 (Auditory Toolbox, 1998).
    """
    hz_a_mel, knee_hz, log_step = 200 / 3, 1000.0, np.log(6.4) / 27
    knee_mel, top_hz = knee_hz / hz_a_mel, sample_rate_hz / 2
    above_knee = np.log(max(top_hz, knee_hz) / knee_hz) / log_step
    mels = np.linspace(0.0, min(top_hz, knee_hz) / hz_a_mel + above_knee, bands + 2)
    curved = knee_hz * np.exp(log_step * np.maximum(mels - knee_mel, 0.0))
    return np.where(mels < knee_mel, mels * hz_a_mel, curved)


def mel_filters(bands: int, fft_samples: int, sample_rate_hz: int) -> NDArray[np.float32]:
    """Compute triangular filters on the mel scale, each of unit area.

    Shape: ``[bands, fft_samples // 2 + 1]``.
    """
    edges_hz = mel_edges_hz(bands, sample_rate_hz)
    bins_hz = np.fft.rfftfreq(fft_samples, 1 / sample_rate_hz)
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * 2 / (high - low), dtype=np.float32)


@dataclass(frozen=True)
class Strip:
    """The weights ``[bins, bands]`` of neighbouring bands for the bins that they span."""

    bands: slice
    bins: slice
    weights: NDArray[np.float32]


def filter_strips(filters: NDArray[np.float32]) -> list[Strip]:
    """Cut filters ``[bands, bins]`` into strips without most of their zeros."""
    strips = []
    for first in range(0, len(filters), STRIP_BANDS):
        bands = slice(first, first + STRIP_BANDS)
        spanned = np.flatnonzero(filters[bands].any(axis=0))
        # Low bands may be so narrow that no bin lies in them.
        bins = slice(int(spanned[0]), int(spanned[-1]) + 1) if spanned.size else slice(0)
        strips.append(Strip(bands, bins, np.ascontiguousarray(filters[bands, bins].T)))
    return strips


class LogMelTransform(nn.Module):
    """The transform of samples to log-mel frames in decibels.

    Frames are centred on multiples of the hop; the signal is continued by zeros. The unit of the
    logarithm does not matter to the network, whose first layer is a batch norm of each band; the
    spectrum (power or magnitude) and the floor do. Computes on the CPU, without gradients: torch
    transforms, numpy does the rest, whose thin products take it half of torch's time.

    Shape: ``[*, T] -> [*, 1 + T // hop, bands]``; samples have unit variance (see ``Amplitude``).
    """

    window: Tensor

    def __init__(self, audio: Audio, features: Features) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("window", torch.hann_window(features.fft_samples), persistent=False)
        filters = mel_filters(features.mel_bands, features.fft_samples, audio.sample_rate_hz)
        # Power: a weight for the square of the real part and, beside it, of the imaginary part.
        weights = filters.repeat(2, axis=1) if features.spectrum == "power" else filters
        self.strips = filter_strips(weights)

    def forward(self, samples: Tensor) -> Tensor:
        half = self.features.fft_samples // 2
        return self.frames(nn.functional.pad(samples, (half, half)))

    def frames(self, padded: Tensor) -> Tensor:
        """Compute the frames that start at each hop of an already padded signal.

        Shape: ``[*, T] -> [*, 1 + (T - fft_samples) // hop, bands]``.
        """
        framed = padded.unfold(-1, self.features.fft_samples, self.features.hop_samples)
        spectrum = torch.fft.rfft(framed * self.window)
        squares = torch.view_as_real(spectrum).numpy()
        squares *= squares
        is_power = self.features.spectrum == "power"
        strength = squares.reshape(*spectrum.shape[:-1], -1) if is_power else _magnitude(squares)
        decibels = np.empty((*spectrum.shape[:-1], self.features.mel_bands), dtype=np.float32)
        for strip in self.strips:
            np.matmul(strength[..., strip.bins], strip.weights, out=decibels[..., strip.bands])
        np.maximum(decibels, self.features.floor, out=decibels)
        np.log(decibels, out=decibels)
        decibels *= (10 if is_power else 20) / math.log(10)
        return torch.from_numpy(decibels)


def _magnitude(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """``[*, bins, 2] -> [*, bins]``."""
    magnitude = squares[..., 0] + squares[..., 1]
    np.sqrt(magnitude, out=magnitude)
    return magnitude
