"""A scorer without a network: log energies in a few bands, and their mean as logit and distance.

It says of frames what a real graph says, frame by frame and window by window, so that a stream can
be held against one pass over the whole sound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rattle.clips.amplitude import Amplitude
from rattle.recipe import Recipe
from rattle.scoring.clip import ClipParts, Mix
from rattle.scoring.decision import Decision
from rattle.scoring.score import Scale
from rattle.scoring.threshold import Threshold

UNIT = Amplitude(0.0, 1.0)


@dataclass(frozen=True)
class MadeUpOutput:
    embeddings: NDArray[np.float64]
    features: NDArray[np.float32]


class MadeUpHead:
    """Takes an embedding for what it is made of: a logit and a distance."""

    def parts(self, start_s: NDArray[np.float64], embeddings: NDArray[np.float64]) -> ClipParts:
        return ClipParts(start_s, embeddings[:, 0], embeddings[:, 1])


@dataclass
class MadeUpGraph:
    recipe: Recipe
    frames_computed: int = 0
    longest: int = 0  # samples of the longest run
    identity: str = "made up"

    def run(
        self,
        samples: NDArray[np.float32],
        frames: NDArray[np.int64],
        amplitude: Amplitude = UNIT,
        earlier: NDArray[np.float32] | None = None,
        spectra: None = None,
    ) -> MadeUpOutput:
        features = self.recipe.features
        assert amplitude == UNIT
        assert spectra is None
        padded = np.pad(samples, features.fft_samples // 2)
        framed = np.lib.stride_tricks.sliding_window_view(padded, features.fft_samples)
        power = np.abs(np.fft.rfft(framed[:: features.hop_samples])) ** 2
        bands = [part.mean(axis=1) for part in np.array_split(power, features.mel_bands, axis=1)]
        log_mel = np.log(np.stack(bands, axis=1) + 1e-6).astype(np.float32)
        assert len(log_mel) == 1 + len(samples) // features.hop_samples
        self.frames_computed += len(log_mel)
        self.longest = max(self.longest, len(samples))
        if earlier is not None:
            log_mel = np.concatenate([earlier, log_mel])
        windows = log_mel[frames]
        weight = np.linspace(0.5, 1.5, windows.shape[1])[:, None]
        logits = (windows * weight).mean(axis=(1, 2), dtype=np.float64)
        distances = windows.std(axis=1).mean(axis=1).astype(np.float64)
        return MadeUpOutput(np.stack([logits, distances], axis=1), log_mel)


@dataclass
class MadeUpScorer:
    recipe: Recipe
    threshold: Threshold = field(default_factory=lambda: Threshold(0.5, 0.05, 0.0, 0.2, 20))

    def __post_init__(self) -> None:
        self.graph: Any = MadeUpGraph(self.recipe)
        self.head: Any = MadeUpHead()
        self.info: Any = SimpleNamespace(
            recipe=self.recipe, machine="fan/id_00", amplitude=UNIT, recorder=None
        )

    @property
    def decision(self) -> Decision:
        return Decision(self.threshold, np.linspace(0.0, 0.6, self.threshold.clips))

    def spectra(self, samples: NDArray[np.float32], frames: NDArray[np.int64]) -> None:
        """As of an encoder that sees log-mels alone."""

    def mix(self) -> Mix:
        return Mix(0.5, Scale(0.0, 2.0))
