"""ResNet38 of PANNs (Kong et al., 2020), pooled as the paper says.

    bn0 -> ConvBlock 64 -> pool -> [3, 4, 6, 3] blocks of 64, 128, 256, 512 -> pool
        -> ConvBlock 2048 -> mean over time and frequency -> z

Parameter names are those of the published checkpoint, so that it loads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from rattle.learning.networks.blocks import BasicBlock, Dropout, MelBandNorm, conv3x3, initialise

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


class ConvBlock(nn.Module):
    """Twice: 3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.bn1(self.conv1(x)))
        return torch.relu_(self.bn2(self.conv2(x)))


class Stages(nn.Module):
    """The residual stages; named ``layer1`` to ``layer4`` as in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        inputs = STAGES[0][0]
        for number, (channels, count) in enumerate(STAGES, start=1):
            blocks = []
            for index in range(count):
                halve = number > 1 and index == 0
                blocks.append(BasicBlock(inputs, channels, halve=halve, dropout=0.1))
                inputs = channels
            self.add_module(f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


class ResNet38(nn.Module):
    """Encoder phi_z.

    Shape: ``[B, T, M] -> [B, 2048]`` with T and M at least 32.
    """

    dimensions = 2048
    branches: tuple[slice, ...] = ()
    branch_weight = 0.0

    def __init__(self, mel_bands: int) -> None:
        super().__init__()
        self.bn0 = MelBandNorm(mel_bands)
        self.conv_block1 = ConvBlock(1, 64)
        self.resnet = Stages()
        self.conv_block_after1 = ConvBlock(512, 2048)
        self.dropout = Dropout(0.2)
        initialise(self)

    def forward(self, log_mel: Tensor) -> Tensor:
        x = self.conv_block1(self.bn0(log_mel))
        x = self.resnet(self.dropout(avg_pool2d(x, 2)))
        x = self.conv_block_after1(self.dropout(avg_pool2d(x, 2)))
        maps: Tensor = self.dropout(x)
        return maps.mean(dim=(2, 3))
