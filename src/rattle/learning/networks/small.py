"""A residual network for a CPU, of ResNet38's family.

bn0 -> strided stem -> a stage for each entry of ``blocks``, each but the first halving time and
    frequency and doubling the channels -> mean over time and frequency -> z

``bn0`` has no gain or shift of its own: the stem's weights can do the same, and without them no
gradient has to be carried back through the stem's large input.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rattle.learning.networks.blocks import BasicBlock, MelBandNorm, initialise
from rattle.recipe.parts import SmallNetwork


class SmallResNet(nn.Module):
    """Encoder phi_z. Kernel and stride of the stem are in time and in frequency.

    Shape: ``[B, T, M] -> [B, channels * 2 ** (stages - 1)]``.
    """

    branches: tuple[slice, ...] = ()
    branch_weight = 0.0

    def __init__(
        self,
        mel_bands: int,
        *,
        channels: int,
        blocks: Sequence[int],
        kernel: tuple[int, int],
        stride: tuple[int, int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.bn0 = MelBandNorm(mel_bands, affine=False)
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, kernel, stride, padding=padding, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        stages, inputs = [], channels
        for stage, count in enumerate(blocks):
            for index in range(count):
                outputs = channels * 2**stage
                halve = stage > 0 and index == 0
                stages.append(BasicBlock(inputs, outputs, halve=halve, dropout=dropout))
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.dimensions = inputs
        initialise(self)

    @classmethod
    def of(cls, mel_bands: int, settings: SmallNetwork) -> SmallResNet:
        """Build the one that a recipe describes."""
        return cls(
            mel_bands,
            channels=settings.channels,
            blocks=settings.blocks,
            kernel=(settings.stem_kernel, settings.stem_kernel),
            stride=(settings.stem_stride, settings.stem_stride),
            dropout=settings.dropout,
        )

    def forward(self, log_mel: Tensor) -> Tensor:
        maps: Tensor = self.stages(self.stem(self.bn0(log_mel)))
        return maps.mean(dim=(2, 3))
