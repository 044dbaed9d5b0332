"""A residual network for a CPU, of ResNet38's family.

bn0 -> strided stem -> a stage for each entry of ``blocks``, each but the first halving time and
    frequency and doubling the channels -> mean over time and frequency -> z

``bn0`` has no gain or shift of its own: the stem's weights can do the same, and without them no
gradient has to be carried back through the stem's large input.
"""

from __future__ import annotations

from torch import Tensor, nn

from rattle.learning.networks.blocks import BasicBlock, MelBandNorm, initialise
from rattle.recipe.parts import SmallNetwork


class SmallResNet(nn.Module):
    """Encoder phi_z.

    Shape: ``[B, T, M] -> [B, channels * 2 ** (stages - 1)]``.
    """

    def __init__(self, mel_bands: int, settings: SmallNetwork) -> None:
        super().__init__()
        kernel, channels = settings.stem_kernel, settings.channels
        self.bn0 = MelBandNorm(mel_bands, affine=False)
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, kernel, settings.stem_stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        blocks, inputs = [], channels
        for stage, count in enumerate(settings.blocks):
            for index in range(count):
                outputs = channels * 2**stage
                halve = stage > 0 and index == 0
                blocks.append(BasicBlock(inputs, outputs, halve=halve, dropout=settings.dropout))
                inputs = outputs
        self.stages = nn.Sequential(*blocks)
        self.dimensions = inputs
        initialise(self)

    def forward(self, log_mel: Tensor) -> Tensor:
        maps: Tensor = self.stages(self.stem(self.bn0(log_mel)))
        return maps.mean(dim=(2, 3))
