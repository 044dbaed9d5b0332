"""The log-mel front end: the one implementation for training, scoring and export."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rattle.recipe_parts import Audio, Features


def mel_edges_hz(bands: int, sample_rate_hz: int) -> NDArray[np.float64]:
    """Where the bands begin, peak and end: band i spans edges i to i + 2. Shape ``[bands + 2]``.

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
    """Triangular filters on the mel scale, each of unit area.

    Shape: ``[bands, fft_samples // 2 + 1]``.
    """
    edges_hz = mel_edges_hz(bands, sample_rate_hz)
    bins_hz = np.fft.rfftfreq(fft_samples, 1 / sample_rate_hz)
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * 2 / (high - low), dtype=np.float32)


class LogMel(nn.Module):
    """Samples to log-mel frames in decibels.

    Frames are centred on multiples of the hop; the signal is continued by zeros. The unit of the
    logarithm does not matter to the network, whose first layer is a batch norm of each band; the
    spectrum (power or magnitude) and the floor do.

    Shape: ``[*, T] -> [*, 1 + T // hop, bands]``; samples have unit variance (see ``Amplitude``).
    """

    window: Tensor
    filters: Tensor

    def __init__(self, audio: Audio, features: Features) -> None:
        super().__init__()
        self.features = features
        window = torch.hann_window(features.fft_samples)
        filters = mel_filters(features.mel_bands, features.fft_samples, audio.sample_rate_hz)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        half = self.features.fft_samples // 2
        return self.frames(nn.functional.pad(samples, (half, half)))

    def frames(self, padded: Tensor) -> Tensor:
        """Frames that start at each hop of an already padded signal.

        Shape: ``[*, T] -> [*, 1 + (T - fft_samples) // hop, bands]``.
        """
        spectrum = torch.stft(
            padded,
            self.features.fft_samples,
            self.features.hop_samples,
            window=self.window,
            center=False,
            return_complex=True,
        )
        is_power = self.features.spectrum == "power"
        strength = spectrum.real.square() + spectrum.imag.square()
        bands = self.filters @ (strength if is_power else strength.sqrt())
        decibels = bands.clamp_min(self.features.floor).log10() * (10 if is_power else 20)
        return decibels.transpose(-1, -2)
