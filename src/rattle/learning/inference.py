"""What a trained network says of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rattle.learning.device import Placement
from rattle.learning.losses import squared_distance
from rattle.learning.model import Arrays
from rattle.learning.networks import Network, build_network
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import clip_windows, cut, frame_seconds

WINDOWS_AT_ONCE = 64


@dataclass(frozen=True)
class TrainedNetwork:
    """A network in evaluation mode on its device, with c_p ``[D]`` where its loss has one."""

    recipe: Recipe
    network: Network
    centroid: Tensor | None
    placement: Placement

    @classmethod
    def placed(
        cls, recipe: Recipe, network: Network, centroid: Tensor | None, placement: Placement
    ) -> TrainedNetwork:
        """Network and centroid moved to the device and made ready to score."""
        placement.network(network).eval()
        if centroid is not None:
            centroid = centroid.to(placement.device)
        return cls(recipe, network, centroid, placement)

    @classmethod
    def restored(cls, recipe: Recipe, arrays: Arrays, placement: Placement) -> TrainedNetwork:
        """The network whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
        # Copies: what is restored may be trained on, and the arrays are another network's own.
        weights = {name: torch.tensor(value) for name, value in arrays.items()}
        _check_numbers(weights)
        centroid = weights.pop("centroid", None)
        with torch.device("meta"):  # without memory: a recipe may ask for more than there is
            network = build_network(recipe)
        try:
            network.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise ValueError(f"its weights do not fit its recipe ({reason})") from None
        expected = (network.dimensions,) if recipe.has_distance else None
        found = None if centroid is None else tuple(centroid.shape)
        if found != expected:
            raise ValueError(f"its centroid is {found}, by its recipe {expected}")
        return cls.placed(recipe, network, centroid, placement)

    def arrays(self) -> Arrays:
        """``encoder.*``, ``head.*`` and ``centroid``."""
        state = dict(self.network.state_dict())
        if self.centroid is not None:
            state["centroid"] = self.centroid
        return {name: value.contiguous().cpu().numpy() for name, value in state.items()}

    def parts(self, log_mel: NDArray[np.float32]) -> ClipParts:
        """Logits and distances of a clip's windows ``[T, bands]`` (see ``clip_windows``).

        In float32 wherever it runs and however it was trained, so that scale and threshold fit
        the same scores on every machine.
        """
        return self.parts_and_embedding(log_mel)[0]

    def parts_and_embedding(
        self, log_mel: NDArray[np.float32]
    ) -> tuple[ClipParts, NDArray[np.float32]]:
        """As ``parts``, and the mean of the windows' embeddings z, ``[D]``."""
        windows = clip_windows(len(log_mel), self.recipe)
        starts = windows.starts
        logits, distances, total = [], [], np.zeros(self.network.dimensions)
        with torch.inference_mode():
            for first in range(0, len(starts), WINDOWS_AT_ONCE):
                some = starts[first : first + WINDOWS_AT_ONCE]
                z, logit = self.network(self.placement.put(cut(log_mel, some, windows.length)))
                if logit is not None:
                    logits.append(_array(logit))
                if self.centroid is not None:
                    how = self.recipe.loss.distance
                    distances.append(_array(squared_distance(z, self.centroid, how)))
                total += _array(z).sum(axis=0)
        parts = ClipParts(
            start_s=np.asarray(starts * frame_seconds(self.recipe), np.float64),
            logits=np.concatenate(logits) if logits else None,
            distances=np.concatenate(distances) if distances else None,
        )
        return parts, (total / len(starts)).astype(np.float32)


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.cpu().numpy().astype(np.float64)


def _check_numbers(weights: dict[str, Tensor]) -> None:
    """``ValueError`` for what a trained network does not hold, whatever its shape."""
    for name, value in weights.items():
        # How many batches a batch norm has seen.
        expected = torch.int64 if name.endswith("num_batches_tracked") else torch.float32
        if value.dtype != expected:
            raise ValueError(f"its weights {name} are {value.dtype}, expected {expected}")
        if not value.isfinite().all():
            raise ValueError(f"its weights {name} hold NaN or infinity")
