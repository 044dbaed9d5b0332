"""Score clips with a trained network: its encoder in torch, its head in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rattle.features.views import Rows, views
from rattle.learning.device import Placement
from rattle.learning.model import Arrays, Learnt
from rattle.learning.networks import Network, build_network
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts, Embedded
from rattle.scoring.head import Head
from rattle.scoring.windows import WINDOWS_AT_ONCE, Windows, clip_windows, cut, frame_seconds


@dataclass(frozen=True)
class TrainedNetwork:
    """An encoder in evaluation mode on its device, and the head of one machine."""

    recipe: Recipe
    encoder: nn.Module
    head: Head
    placement: Placement

    @classmethod
    def restored(cls, recipe: Recipe, learnt: Learnt, placement: Placement) -> TrainedNetwork:
        """Rebuild the model whose ``learnt()`` this is; ``ValueError`` where it does not fit."""
        network, head = restore_network(recipe, learnt)
        placement.network(network).eval()
        return cls(recipe, network.encoder, head, placement)

    def learnt(self) -> Learnt:
        """Give its ``encoder`` and its ``head``."""
        state = self.encoder.state_dict()
        encoder = {name: value.contiguous().cpu().numpy() for name, value in state.items()}
        return {"encoder": encoder, "head": self.head.arrays()}

    def parts(self, clip: Rows, windows: Windows | None = None) -> ClipParts:
        """Compute logits and distances of the windows of a clip ``[T, width]``."""
        embedded = embed(self.encoder, clip, self.recipe, self.placement, windows)
        return self.head.parts(embedded.start_s, embedded.z)

    def parts_and_embedding(self, clip: Rows) -> tuple[ClipParts, NDArray[np.float32]]:
        """Compute ``parts``, and the mean of the windows' embeddings z, ``[D]``."""
        embedded = embed(self.encoder, clip, self.recipe, self.placement)
        mean = embedded.z.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self.head.parts(embedded.start_s, embedded.z), mean


def embed(
    encoder: nn.Module,
    clip: Rows,
    recipe: Recipe,
    placement: Placement,
    windows: Windows | None = None,
) -> Embedded:
    """Embed ``windows`` of a clip ``[T, width]``, those that are scored (``clip_windows``) if none
    are given.

    In float32 wherever it runs and however it was trained, so that scale and threshold fit the same
    scores on every machine.
    """
    windows = clip_windows(len(clip), recipe) if windows is None else windows
    embeddings = []
    with torch.inference_mode():
        for first in range(0, len(windows.starts), WINDOWS_AT_ONCE):
            starts = windows.starts[first : first + WINDOWS_AT_ONCE]
            seen = views(
                cut(clip, starts, windows.length),
                recipe.features.mel_bands,
                recipe.features.window_frames,
            )
            embeddings.append(encoder(*map(placement.put, seen)).cpu().numpy())
    start_s = np.asarray(windows.starts * frame_seconds(recipe), np.float64)
    return Embedded(start_s, np.concatenate(embeddings))


def head_of(
    network: Network, number: int, centres: NDArray[np.float32] | None, recipe: Recipe
) -> Head:
    """Take one of a trained network's heads, with the ``centres [K, D]`` of its loss, if any."""
    layer = network.head
    return Head(
        weight=None if layer is None else _array(layer.weight[number]),
        bias=None if layer is None else _array(layer.bias[number : number + 1]),
        centres=centres,
        distance=recipe.loss.distance,
        pieces=recipe.distance_pieces,
    )


def restore_network(recipe: Recipe, learnt: Learnt) -> tuple[Network, Head]:
    """Rebuild a network to train on, and its head; ``ValueError`` where ``learnt`` does not fit."""
    head = Head.restored(learnt["head"], recipe)
    with torch.device("meta"):  # without memory: a recipe may ask for more than there is
        network = build_network(recipe)
    if head.dimensions != network.dimensions:
        raise ValueError(
            f"its head takes embeddings of {head.dimensions} numbers, by its recipe they have "
            f"{network.dimensions}"
        )
    weights = {f"encoder.{name}": value for name, value in _tensors(learnt["encoder"]).items()}
    if head.weight is not None and head.bias is not None:
        # Copies: what is restored may be trained on, and the arrays are another model's own.
        weights["head.weight"] = torch.tensor(head.weight[None])
        weights["head.bias"] = torch.tensor(head.bias)
    try:
        network.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"its weights do not fit its recipe ({reason})") from None
    return network, head


def _array(values: Tensor) -> NDArray[np.float32]:
    # A copy: training on would change what the network holds.
    return np.array(values.detach().cpu().numpy(), dtype=np.float32)


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Copy an encoder's arrays; ``ValueError`` for what a trained one does not hold."""
    weights = {name: torch.tensor(value) for name, value in arrays.items()}
    for name, value in weights.items():
        # How many batches a batch norm has seen.
        expected = torch.int64 if name.endswith("num_batches_tracked") else torch.float32
        if value.dtype != expected:
            raise ValueError(f"its weights {name} are {value.dtype}, expected {expected}")
        if not value.isfinite().all():
            raise ValueError(f"its weights {name} hold NaN or infinity")
    return weights
