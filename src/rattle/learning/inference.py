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
from rattle.scoring.windows import cut, sliding_starts, spread_starts

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
        weights = {name: torch.from_numpy(value) for name, value in arrays.items()}
        centroid = weights.pop("centroid", None)
        network = build_network(recipe)
        try:
            network.load_state_dict(weights)
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
        """Logits and distances of the windows of a clip ``[T, bands]`` (section IV-A).

        A clip longer than ``scoring.long_clip_seconds`` gets a sliding window instead of ten.
        """
        return self.parts_and_embedding(log_mel)[0]

    def parts_and_embedding(
        self, log_mel: NDArray[np.float32]
    ) -> tuple[ClipParts, NDArray[np.float32]]:
        """As ``parts``, and the mean of the windows' embeddings z, ``[D]``."""
        window = self.recipe.features.window_frames
        starts = timeline_starts(len(log_mel), self.recipe)
        if starts is None:
            starts = spread_starts(len(log_mel), window, self.recipe.scoring.windows)
        logits, distances, total = [], [], np.zeros(self.network.dimensions)
        with torch.inference_mode():
            for first in range(0, len(starts), WINDOWS_AT_ONCE):
                some = starts[first : first + WINDOWS_AT_ONCE]
                windows = self.placement.put(cut(log_mel, some, window))
                with self.placement.autocast():
                    z, logit = self.network(windows)
                if logit is not None:
                    logits.append(_array(logit))
                if self.centroid is not None:
                    how = self.recipe.loss.distance
                    distances.append(_array(squared_distance(z.float(), self.centroid, how)))
                total += _array(z).sum(axis=0)
        parts = ClipParts(
            start_s=np.asarray(starts * frame_seconds(self.recipe), np.float64),
            logits=np.concatenate(logits) if logits else None,
            distances=np.concatenate(distances) if distances else None,
        )
        return parts, (total / len(starts)).astype(np.float32)


def frame_seconds(recipe: Recipe) -> float:
    """Seconds from one frame to the next."""
    return recipe.features.hop_samples / recipe.audio.sample_rate_hz


def timeline_starts(frames: int, recipe: Recipe) -> NDArray[np.int64] | None:
    """First frames of the windows slid over a long recording of ``frames`` frames.

    None for a clip no longer than ``scoring.long_clip_seconds``, which is scored as a whole.
    """
    settings, frame_s = recipe.scoring, frame_seconds(recipe)
    # Frames are centred on hops, the first at 0: the last one tells how long the clip is.
    if (frames - 1) * frame_s <= settings.long_clip_seconds:
        return None
    hop = max(round(settings.timeline_seconds / frame_s), 1)
    return sliding_starts(frames, recipe.features.window_frames, hop)


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.float().cpu().numpy().astype(np.float64)
