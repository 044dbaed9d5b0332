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
        features = self.recipe.features
        frame_s = features.hop_samples / self.recipe.audio.sample_rate_hz
        starts = self._starts(len(log_mel), frame_s)
        logits, distances = [], []
        with torch.inference_mode():
            for first in range(0, len(starts), WINDOWS_AT_ONCE):
                some = starts[first : first + WINDOWS_AT_ONCE]
                windows = self.placement.put(cut(log_mel, some, features.window_frames))
                with self.placement.autocast():
                    z, logit = self.network(windows)
                if logit is not None:
                    logits.append(_array(logit))
                if self.centroid is not None:
                    how = self.recipe.loss.distance
                    distances.append(_array(squared_distance(z.float(), self.centroid, how)))
        return ClipParts(
            start_s=starts.astype(np.float64) * frame_s,
            logits=np.concatenate(logits) if logits else None,
            distances=np.concatenate(distances) if distances else None,
        )

    def _starts(self, frames: int, frame_s: float) -> NDArray[np.int64]:
        settings, window = self.recipe.scoring, self.recipe.features.window_frames
        # Frames are centred on hops, the first at 0: the last one tells how long the clip is.
        if (frames - 1) * frame_s <= settings.long_clip_seconds:
            return spread_starts(frames, window, settings.windows)
        return sliding_starts(frames, window, max(round(settings.timeline_seconds / frame_s), 1))


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.float().cpu().numpy().astype(np.float64)
