"""Scores clips by a bundle's graph."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rattle.ahead import map_ahead
from rattle.bundle import BundleInfo, read_graph
from rattle.errors import BundleError, ClipError
from rattle.runtime.clip_scorer import ClipScorer, NamedParts, Recording, name_of
from rattle.runtime.graph import Graph, GraphOutput
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import clip_windows, frame_seconds

# Of a long recording so many windows are looked at together; bounds its memory.
WINDOWS_AT_ONCE = 64


@dataclass(frozen=True)
class Scorer(ClipScorer):
    """A detector without torch: the same scores, from the graph that ``rattle export`` wrote."""

    info: BundleInfo
    graph: Graph

    @classmethod
    def load(cls, path: str | Path) -> Scorer:
        """Read a bundle; ``BundleError`` where it is damaged, or holds no graph."""
        scorer = cls.find(path)
        if scorer is None:
            raise BundleError(f"{path} holds no graph; write one with: rattle export {path}")
        return scorer

    @classmethod
    def find(cls, path: str | Path) -> Scorer | None:
        """As ``load``, or None where the bundle is whole and holds no graph."""
        info, model = read_graph(Path(path))
        if model is None:
            return None
        try:
            return cls(info, Graph(model))
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from None

    def parts(self, samples: NDArray[np.float32]) -> ClipParts:
        """What the network says of each window of mono ``samples [T]`` at the recipe's rate."""
        count = 1 + len(samples) // self.recipe.features.hop_samples
        windows = clip_windows(count, self.recipe)
        frames = windows.frames(count)
        found = [
            self._output(samples, frames[first : first + WINDOWS_AT_ONCE], count)
            for first in range(0, len(frames), WINDOWS_AT_ONCE)
        ]
        logits = [part.logits for part in found if part.logits is not None]
        distances = [part.distances for part in found if part.distances is not None]
        return ClipParts(
            start_s=np.asarray(windows.starts * frame_seconds(self.recipe), np.float64),
            logits=np.concatenate(logits) if logits else None,
            distances=np.concatenate(distances) if distances else None,
        )

    def parts_of_each(self, clips: Iterable[Recording]) -> Iterator[NamedParts]:
        # A clip is one thread's work from file to parts: nothing waits for another.
        return map_ahead(self._named_parts, clips, os.cpu_count() or 1)

    def _output(
        self, samples: NDArray[np.float32], frames: NDArray[np.int64], count: int
    ) -> GraphOutput:
        """The graph's output for windows of frames ``[n, W]``, from just the samples they span."""
        features = self.recipe.features
        hop = features.hop_samples
        # Frames so near to where the samples are cut would see the cut.
        margin = -(-features.fft_samples // 2 // hop)
        low = max(int(frames.min()) - margin, 0)
        high = int(frames.max()) + margin
        end = len(samples) if high >= count - 1 else high * hop
        return self.graph.run(samples[low * hop : end], frames - low)

    def _named_parts(self, clip: Recording) -> NamedParts:
        try:
            return name_of(clip), self.parts(self.samples(clip))
        except ClipError as error:
            return name_of(clip), error
