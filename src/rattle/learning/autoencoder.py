"""Pre-train DSAD's encoder as half of an autoencoder of normal sound (section II-B)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, mse_loss

from rattle.learning.batches import Source
from rattle.learning.device import Placement
from rattle.learning.networks import Network
from rattle.randomness import PRETRAIN, stream
from rattle.recipe import Recipe

LEARNING_RATE = 1e-3


class Decoder(nn.Module):
    """An embedding back to a window, coarse to fine.

    Shape: ``[B, D] -> [B, W, bands]``.
    """

    def __init__(self, dimensions: int, window_frames: int, mel_bands: int) -> None:
        super().__init__()
        self.size = (window_frames, mel_bands)
        self.coarse = nn.Linear(dimensions, 64 * 8 * 4)
        widths = (64, 32, 16)
        self.finer = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in zip(widths, (*widths[1:], 16), strict=True)
        )
        self.last = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.coarse(z).view(-1, 64, 8, 4)
        for layer in self.finer:
            x = layer(interpolate(x, scale_factor=2.0))
        window: Tensor = self.last(interpolate(x, self.size, mode="bilinear"))
        return window.squeeze(1)


def pretrain(network: Network, source: Source, recipe: Recipe, placement: Placement) -> None:
    """Train the encoder to let a decoder rebuild normal windows; the decoder is thrown away.

    The target is the window's log-mel with every band normalised over the batch, so that all bands
    count alike.
    """
    torch.manual_seed(int(stream(source.seed, PRETRAIN).integers(2**63)))
    features = recipe.features
    decoder = Decoder(network.dimensions, features.window_frames, features.mel_bands)
    decoder.to(placement.device)
    optimiser = torch.optim.Adam(
        [*network.encoder.parameters(), *decoder.parameters()], LEARNING_RATE
    )
    network.train()
    for iteration in range(recipe.centroids.autoencoder_iterations):
        batch = source.batch(iteration)
        is_normal = batch.normal.any(axis=1)
        views = [placement.put(view[is_normal]) for view in batch.views]
        windows = views[0]
        with placement.autocast():
            rebuilt = decoder(network.encoder(*views))
        with torch.no_grad():
            mean, deviation = windows.mean(dim=(0, 1)), windows.std(dim=(0, 1)) + 1e-5
        loss = mse_loss(rebuilt.float(), (windows - mean) / deviation)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
