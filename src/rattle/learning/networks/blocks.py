"""The parts that the residual networks share, after PANNs (Kong et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)


def initialise(module: nn.Module) -> None:
    """Xavier-uniform convolutions and linear layers with zero bias, as PANNs does."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    A block that halves its input does so by 2x2 average pooling before the first convolution, and
    its shortcut is pooling, 1x1 convolution, batch norm. The second batch norm starts at 0, so
    that a fresh block passes its shortcut on.

    Shape: ``[B, inputs, T, M] -> [B, outputs, T / 2, M / 2]`` where it halves, else ``[.., T, M]``.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool, dropout: float) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2) if halve else nn.Identity()
        self.conv1 = conv3x3(inputs, outputs)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if halve or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.AvgPool2d(2) if halve else nn.Identity(),
                nn.Conv2d(inputs, outputs, kernel_size=1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(self.pool(x))))
        y = self.bn2(self.conv2(self.dropout(y)))
        return torch.relu(y + self.downsample(x))


class MelBandNorm(nn.BatchNorm2d):
    """Batch norm of each mel band over clips and time: PANNs' ``bn0``.

    Shape: ``[B, T, M] -> [B, 1, T, M]``.
    """

    def forward(self, log_mel: Tensor) -> Tensor:
        return super().forward(log_mel.transpose(1, 2).unsqueeze(-1)).permute(0, 3, 2, 1)
