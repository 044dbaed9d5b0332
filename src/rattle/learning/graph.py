"""Put an encoder behind its front end in one graph: from samples to embeddings of windows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rattle.features.graph_log_mel import GraphLogMel
from rattle.recipe import Recipe


class EncoderGraph(nn.Module):
    """Amplitude normalisation, log-mel, windows, encoder. It knows no machine.

    samples    [T]         one channel at the recipe's rate, full scale at +-1
    mean       []          the machine's amplitude statistics (section IV-A)
    deviation  []
    earlier    [E, bands]  log-mel frames that are known already; a clip scored at once has none
    frames     [n, W]      which frames each window holds: row numbers of ``features``
    spectra    [n, bins]   the windows' spectra, of an encoder that sees them: computed outside,
                           where there is a faster transform
    ->
    embeddings [n, D]      z
    features   [F, bands]  the earlier frames, then the 1 + T // hop log-mels of these samples
    """

    def __init__(self, recipe: Recipe, encoder: nn.Module) -> None:
        super().__init__()
        self.front_end = GraphLogMel(recipe.audio, recipe.features)
        self.encoder = encoder

    def forward(
        self,
        samples: Tensor,
        mean: Tensor,
        deviation: Tensor,
        earlier: Tensor,
        frames: Tensor,
        *spectra: Tensor,
    ) -> tuple[Tensor, Tensor]:
        features = torch.cat([earlier, self.front_end((samples - mean) / deviation)])
        return self.encoder(features[frames], *spectra), features
