"""An encoder of two branches: the spectrum of the whole window beside its log-mel.

spectrum [B, bins] -> three convolutions over frequency, the first ones in wide steps -> dense z_s
log-mel [B, W, M]  -> a small residual network                                        -> dense z_m
                                                                            z = [z_s, z_m]

Lines stand in the spectrum, whose place the convolutions' flattened maps keep: a fault is a line
where none was, or one that moved. What happens in time, a knock or a late stroke, stands in the
log-mel. Each branch has a loss of its own beside that of both (``network.branch_weight``): where
other machines are easily told by their lines, the other branch would learn nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rattle.learning.networks.small import SmallResNet
from rattle.recipe.parts import SpectralNetwork

# Kernel and stride of each convolution over frequency.
CONVOLUTIONS = ((256, 128), (32, 16), (16, 4))
DENSE_LAYERS = 3
# Of the log-mel branch: blocks a stage; kernel and stride of its stem in time and frequency.
BLOCKS, KERNEL, STRIDE = (1, 1, 1, 1), (7, 7), (4, 4)


class SpectrumBranch(nn.Module):
    """Convolutions over frequency, then dense layers, each with batch norm and ReLU.

    Shape: ``[B, bins] -> [B, dimensions]``.
    """

    def __init__(self, bins: int, settings: SpectralNetwork) -> None:
        super().__init__()
        channels = settings.channels
        layers: list[nn.Module] = []
        inputs, length = 1, bins
        for kernel, stride in CONVOLUTIONS:
            layers += [
                nn.Conv1d(inputs, channels, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(channels),
                nn.ReLU(),
            ]
            inputs, length = channels, (length + 2 * (kernel // 2) - kernel) // stride + 1
        layers.append(nn.Flatten())
        width = channels * length
        for _ in range(DENSE_LAYERS):
            layers += [
                nn.Linear(width, settings.dimensions, bias=False),
                nn.BatchNorm1d(settings.dimensions),
                nn.ReLU(),
            ]
            width = settings.dimensions
        layers.append(nn.Linear(width, settings.dimensions))
        self.layers = nn.Sequential(*layers)

    def forward(self, spectrum: Tensor) -> Tensor:
        z: Tensor = self.layers(spectrum.unsqueeze(1))
        return z


class LogMelBranch(nn.Module):
    """A small residual network and a dense layer.

    Shape: ``[B, W, M] -> [B, dimensions]``.
    """

    def __init__(self, mel_bands: int, settings: SpectralNetwork) -> None:
        super().__init__()
        self.network = SmallResNet(
            mel_bands,
            channels=settings.log_mel_channels,
            blocks=BLOCKS,
            kernel=KERNEL,
            stride=STRIDE,
        )
        self.dense = nn.Linear(self.network.dimensions, settings.dimensions)

    def forward(self, log_mel: Tensor) -> Tensor:
        z: Tensor = self.dense(self.network(log_mel))
        return z


class Spectral(nn.Module):
    """Encoder phi_z; ``branches`` are the parts of z that are each branch's.

    Shape: ``[B, W, M], [B, bins] -> [B, 2 * dimensions]``.
    """

    def __init__(self, bins: int, mel_bands: int, settings: SpectralNetwork) -> None:
        super().__init__()
        self.spectrum = SpectrumBranch(bins, settings)
        self.log_mel = LogMelBranch(mel_bands, settings)
        self.dimensions = 2 * settings.dimensions
        half = settings.dimensions
        self.branches = (slice(0, half), slice(half, self.dimensions))
        self.branch_weight = settings.branch_weight

    def forward(self, log_mel: Tensor, spectrum: Tensor) -> Tensor:
        return torch.cat([self.spectrum(spectrum), self.log_mel(log_mel)], dim=1)
