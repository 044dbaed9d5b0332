"""Build the network that a recipe names: an encoder and heads.

``resnet38``, ``small`` and ``spectral`` are the encoders, ``blocks`` their parts. Begin with
``build_network``.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear

from rattle.learning.networks.blocks import initialise
from rattle.learning.networks.resnet38 import ResNet38
from rattle.learning.networks.small import SmallResNet
from rattle.learning.networks.spectral import Spectral
from rattle.recipe import Recipe
from rattle.recipe.parts import SmallNetwork, SpectralNetwork

__all__ = ["Network", "build_network"]

Encoder = ResNet38 | SmallResNet | Spectral


class Network(nn.Module):
    """An encoder phi_z and, for losses with BCE, the heads that turn z into logits of p.

    A head is one machine's: H is 1, or as many as a fleet trains with one encoder.

    Shape: ``[B, W, M] (and [B, bins]) -> (z [B, D], logits [B, H] or None)``.
    """

    def __init__(self, encoder: Encoder, *, heads: int, has_posterior: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads
        self.head = nn.Linear(encoder.dimensions, heads) if has_posterior else None
        if self.head is not None and heads == 1:
            # Not of many: Xavier's weights would be larger, the more heads there are.
            initialise(self.head)

    @property
    def dimensions(self) -> int:
        """D, the length of an embedding."""
        return self.encoder.dimensions

    @property
    def branches(self) -> tuple[slice, ...]:
        """Parts of z that have a loss of their own; none for most encoders."""
        return self.encoder.branches

    @property
    def branch_weight(self) -> float:
        """What those losses count beside the whole's."""
        return self.encoder.branch_weight

    def forward(self, *views: Tensor) -> tuple[Tensor, Tensor | None]:
        z = self.encoder(*views)
        return z, self.logits(z)

    def logits(self, z: Tensor, part: slice = slice(None)) -> Tensor | None:
        """Compute logits of embeddings ``[B, D] -> [B, H]``, of the dimensions of a part alone."""
        if self.head is None:
            return None
        return linear(z[:, part], self.head.weight[:, part], self.head.bias)


def build_network(recipe: Recipe, heads: int = 1) -> Network:
    """The recipe's network with random weights (drawn from torch's global generator)."""
    features = recipe.features
    encoder: Encoder
    match recipe.network:
        case SpectralNetwork() as settings:
            encoder = Spectral(recipe.spectrum_bins, features.mel_bands, settings)
        case SmallNetwork() as settings:
            encoder = SmallResNet.of(features.mel_bands, settings)
        case _:
            encoder = ResNet38(features.mel_bands)
    has_posterior = "bce" in recipe.loss.name.split("+")
    return Network(encoder, heads=heads, has_posterior=has_posterior)
