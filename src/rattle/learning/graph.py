"""A detector as one graph: from samples to what the network says of their windows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rattle.clips.amplitude import Amplitude
from rattle.features.graph_log_mel import GraphLogMel
from rattle.learning.losses import squared_distance
from rattle.learning.networks import Network
from rattle.recipe import Recipe

INPUTS = ("samples", "earlier", "frames")


class ScoringGraph(nn.Module):
    """Amplitude normalisation, log-mel, windows, network, distance to c_p.

    samples    [T]         one channel at the recipe's rate, full scale at +-1
    earlier    [E, bands]  log-mel frames that are known already; a clip scored at once has none
    frames     [n, W]      which frames each window holds: row numbers of ``log_mel``
    ->
    logits     [n]         of p, for losses with BCE
    distances  [n]         d, for losses with a centroid
    embeddings [n, D]      z
    log_mel    [F, bands]  the earlier frames, then the 1 + T // hop of these samples
    """

    def __init__(
        self, recipe: Recipe, network: Network, centroid: Tensor | None, amplitude: Amplitude
    ) -> None:
        super().__init__()
        self.front_end = GraphLogMel(recipe.audio, recipe.features)
        self.network = network
        self.distance = recipe.loss.distance
        self.register_buffer("mean", torch.tensor(amplitude.mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(amplitude.deviation, dtype=torch.float32))
        self.register_buffer("centroid", centroid)

    mean: Tensor
    deviation: Tensor
    centroid: Tensor | None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what ``forward`` gives, in order."""
        has = {"logits": self.network.head is not None, "distances": self.centroid is not None}
        return (*(name for name, there in has.items() if there), "embeddings", "log_mel")

    def forward(self, samples: Tensor, earlier: Tensor, frames: Tensor) -> tuple[Tensor, ...]:
        new = self.front_end((samples - self.mean) / self.deviation)
        log_mel = torch.cat([earlier, new])
        z, logits = self.network(log_mel[frames])
        found = [] if logits is None else [logits]
        if self.centroid is not None:
            found.append(squared_distance(z, self.centroid, self.distance))
        return (*found, z, log_mel)
