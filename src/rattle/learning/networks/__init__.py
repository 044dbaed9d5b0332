"""Build the network that a recipe names: an encoder and a head.

``resnet38`` and ``small`` are the encoders, ``blocks`` their parts. Begin with ``build_network``.
"""

from __future__ import annotations

from torch import Tensor, nn

from rattle.learning.networks.blocks import initialise
from rattle.learning.networks.resnet38 import ResNet38
from rattle.learning.networks.small import SmallResNet
from rattle.recipe import Recipe
from rattle.recipe.parts import SmallNetwork

__all__ = ["Network", "build_network"]


class Network(nn.Module):
    """An encoder phi_z and, for losses with BCE, a head that turns z into a logit of p.

    The two stay apart: a fleet may share one encoder and have a head for each machine.

    Shape: ``[B, T, M] -> (z [B, D], logit [B] or None)``.
    """

    def __init__(self, encoder: ResNet38 | SmallResNet, *, has_head: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.dimensions, 1) if has_head else None
        if self.head is not None:
            initialise(self.head)

    @property
    def dimensions(self) -> int:
        """D, the length of an embedding."""
        return self.encoder.dimensions

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor | None]:
        z = self.encoder(log_mel)
        return z, None if self.head is None else self.head(z).squeeze(1)


def build_network(recipe: Recipe) -> Network:
    """The recipe's network with random weights (drawn from torch's global generator)."""
    bands = recipe.features.mel_bands
    encoder = (
        SmallResNet(bands, recipe.network)
        if isinstance(recipe.network, SmallNetwork)
        else ResNet38(bands)
    )
    return Network(encoder, has_head="bce" in recipe.loss.name.split("+"))
