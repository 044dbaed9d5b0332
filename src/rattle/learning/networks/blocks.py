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


class Dropout(nn.Dropout):
    """``nn.Dropout`` whose masks cost little on a CPU.

    torch draws a random number for each entry there, 7 % of a training step of ResNet38. This one
    draws 16 bits, so that p is a multiple of 1 / 65536; what is kept is scaled by the p it is.

    Shape: ``[*] -> [*]``, without gaps in memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return super().forward(x)
        dropped = round(self.p * 2**16)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        # Laid out as x is: a mask in another order makes every step after it slower.
        bits = words.view(torch.int16).as_strided(x.shape, x.stride())
        kept = (bits >= dropped - 2**15).to(x.dtype)
        return x * kept.mul_(2**16 / (2**16 - dropped))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    A block that halves its input does so by 2x2 average pooling before the first convolution and
    before its shortcut, which is a 1x1 convolution and batch norm. The second batch norm starts at
    0, so that a fresh block passes its shortcut on.

    Shape: ``[B, inputs, T, M] -> [B, outputs, T / 2, M / 2]`` where it halves, else ``[.., T, M]``.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool, dropout: float) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2) if halve else nn.Identity()
        self.conv1 = conv3x3(inputs, outputs)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.dropout = Dropout(dropout)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if halve or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Identity(),  # the pooling, in PANNs' checkpoint
                nn.Conv2d(inputs, outputs, kernel_size=1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(self.dropout(y)))
        return torch.relu_(y + self.downsample(x))


class MelBandNorm(nn.BatchNorm2d):
    """Batch norm of each mel band over clips and time: PANNs' ``bn0``.

    Shape: ``[B, T, M] -> [B, 1, T, M]``.
    """

    def forward(self, log_mel: Tensor) -> Tensor:
        if self.training or self.running_mean is None or self.running_var is None:
            return super().forward(log_mel.transpose(1, 2).unsqueeze(-1)).permute(0, 3, 2, 1)
        # A gain and a shift a band, without turning the windows over: half of the time.
        gain = (self.running_var + self.eps).rsqrt()
        gain = gain if self.weight is None else gain * self.weight
        normed = (log_mel - self.running_mean) * gain
        return (normed if self.bias is None else normed + self.bias).unsqueeze(1)
