"""Compute log-mel frames as matrix products, for ONNX Runtime.

The transform of a frame of N = A B samples is done in two steps (Cooley and Tukey, 1965). With
n = B n1 + n2 and k = k1 + A k2

    X[k] = sum_n2 W_N^(n2 k) sum_n1 W_A^(n1 k1) x[B n1 + n2],    W_N = exp(-2 pi i / N)

the inner sum is one matrix for all frames, the outer one a matrix for each k1. ONNX has an
operator for this, which ``torch.stft`` exports to, but in ONNX Runtime it alone takes three times
as long as this whole front end (``docs/performance.md``).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rattle.features.log_mel import mel_filters
from rattle.recipe.parts import Audio, Features


class GraphLogMel(nn.Module):
    """Samples to log-mel frames in decibels: ``LogMelTransform`` by operations that export well.

    Shape: ``[T] -> [1 + T // hop, bands]``; samples have unit variance.
    """

    def __init__(self, audio: Audio, features: Features) -> None:
        super().__init__()
        self.features = features
        length = features.fft_samples
        self.rows = next(a for a in range(math.isqrt(length), 0, -1) if length % a == 0)
        filters = mel_filters(features.mel_bands, length, audio.sample_rate_hz)
        inner, outer, bins = two_step_transform(length, self.rows)
        self.register_buffer("window", torch.hann_window(length).reshape(self.rows, -1))
        self.register_buffer("inner", torch.from_numpy(inner))
        self.register_buffer("outer", torch.from_numpy(outer))
        self.register_buffer("filters", torch.from_numpy(filters_of(filters, bins)))

    window: Tensor
    inner: Tensor
    outer: Tensor
    filters: Tensor

    def forward(self, samples: Tensor) -> Tensor:
        frames = self._frames(samples) * self.window  # [F, A, B]
        # [2 K, A] @ [F, A, B]: real and imaginary part in turns, of K = A // 2 + 1 values of k1.
        first = (self.inner @ frames).reshape(
            frames.shape[0], self.outer.shape[0], -1
        )  # [F, K, 2 B]
        real, imaginary = (first.transpose(0, 1) @ self.outer).chunk(2, dim=2)  # [K, F, B] each
        # Products: as squares they would come out as powers, which take several times as long.
        strength = real * real + imaginary * imaginary
        is_power = self.features.spectrum == "power"
        if not is_power:
            strength = strength.sqrt()
        bands = strength.transpose(0, 1).flatten(1) @ self.filters
        return bands.clamp_min(self.features.floor).log() * (
            (10 if is_power else 20) / math.log(10)
        )

    def _frames(self, samples: Tensor) -> Tensor:
        """``[T] -> [1 + T // hop, A, B]``, continued by zeros on either side."""
        length, hop = self.features.fft_samples, self.features.hop_samples
        # Copied in steps that both frame and hop are made of, not sample by sample.
        step = math.gcd(length, hop)
        count = 1 + samples.shape[0] // hop
        padded = nn.functional.pad(samples, (length // 2, length // 2))
        steps = padded[: (count - 1) * hop + length].reshape(-1, step)
        first = torch.arange(count, device=samples.device)[:, None] * (hop // step)
        return steps[first + torch.arange(length // step, device=samples.device)].reshape(
            count, self.rows, -1
        )


def two_step_transform(
    length: int, rows: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Compute both steps' matrices, ``[2 K, A]`` and ``[K, 2 B, 2 B]``, and the bins ``[K, B]``.

    A is ``rows``, B is ``length // rows``; k1 runs over the K = A // 2 + 1 values that a real
    signal does not repeat.
    """
    columns = length // rows
    k1 = np.arange(rows // 2 + 1)
    inner = np.exp(-2j * np.pi * np.outer(k1, np.arange(rows)) / rows)
    bins = k1[:, None] + rows * np.arange(columns)
    turn = np.arange(columns)[:, None] * bins[:, None, :] % length
    outer = np.exp(-2j * np.pi * turn / length)  # [K, n2, k2]
    real_of = np.concatenate([outer.real, -outer.imag], axis=1)
    imaginary_of = np.concatenate([outer.imag, outer.real], axis=1)
    return (
        np.stack([inner.real, inner.imag], axis=1).reshape(-1, rows).astype(np.float32),
        np.concatenate([real_of, imaginary_of], axis=2).astype(np.float32),
        bins,
    )


def filters_of(filters: NDArray[np.float32], bins: NDArray[np.int64]) -> NDArray[np.float32]:
    """Arrange mel filters ``[bands, N / 2 + 1]`` for strengths in the order of ``bins``.

    Bin N - k of a real signal is as strong as bin k; each counts once. Shape ``[K B, bands]``.
    """
    length = 2 * (filters.shape[1] - 1)
    folded = np.minimum(bins, length - bins).ravel()
    first = np.zeros(len(folded), dtype=bool)
    first[np.unique(folded, return_index=True)[1]] = True
    return np.where(first[:, None], filters.T[folded], np.float32(0))
