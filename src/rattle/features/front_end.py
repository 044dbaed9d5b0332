"""Turn files into features: read, normalise the amplitude, transform.

A clip's features have a row a frame: its log-mel and, where the network sees the spectrum of a
window too, the samples from this frame to the next behind it. So a window, wherever it begins, is a
few rows, and its spectrum is computed from what it holds (``views``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rattle.clips.amplitude import Amplitude
from rattle.clips.excerpt import Excerpt
from rattle.clips.reading import read_clip
from rattle.features.facts import Facts
from rattle.features.log_mel import LogMelTransform
from rattle.recipe import Recipe
from rattle.recipe.parts import Audio, Features
from rattle.scoring.spectrum import blocks

# Frames at a time: their windowed samples and spectra, half a megabyte each, fit a core's cache.
BLOCK_FRAMES = 128


class FrontEnd:
    """What reads clips and computes their features as a recipe says.

    ``width`` is the length of a row: the bands and, with ``has_samples``, the hop.
    """

    def __init__(self, audio: Audio, settings: Features, *, has_samples: bool = False) -> None:
        self.audio = audio
        self.settings = settings
        self.has_samples = has_samples
        self.width = settings.mel_bands + (settings.hop_samples if has_samples else 0)
        self._log_mel = LogMelTransform(audio, settings)

    @classmethod
    def of(cls, recipe: Recipe) -> FrontEnd:
        """Choose the front end of a recipe."""
        return cls(recipe.audio, recipe.features, has_samples=recipe.sees_spectrum)

    def read(self, path: str | Path, excerpt: Excerpt | None = None) -> NDArray[np.float32]:
        """Read a recording's samples, or an excerpt's ``[T]``: one channel at the recipe's
        rate.

        Raises ``ClipError`` where it cannot be read.
        """
        return read_clip(
            Path(path),
            sample_rate_hz=self.audio.sample_rate_hz,
            channel=self.audio.channel,
            excerpt=excerpt,
        )

    def facts(self, path: str | Path, excerpt: Excerpt | None = None) -> Facts:
        """Read as ``read`` does, and say what is to know of it before it is learnt from."""
        return Facts.of(Path(path), self.audio, excerpt)

    def features(self, samples: NDArray[np.float32], statistics: Amplitude) -> NDArray[np.float32]:
        """Compute the features of samples, ``[T] -> [1 + T // hop, width]``, normalised first."""
        log_mel = self.log_mel(samples, statistics)
        if not self.has_samples:
            return log_mel
        normalised = np.empty_like(samples)
        statistics.normalise(samples, out=normalised)
        return np.concatenate([log_mel, blocks(normalised, self.settings.hop_samples)], axis=1)

    def log_mel(self, samples: NDArray[np.float32], statistics: Amplitude) -> NDArray[np.float32]:
        """Compute the log-mel of samples, ``[T] -> [1 + T // hop, bands]``, normalised first."""
        frames = 1 + len(samples) // self.settings.hop_samples
        log_mel = np.empty((frames, self.settings.mel_bands), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, frames, BLOCK_FRAMES):
                last = min(first + BLOCK_FRAMES, frames)
                block = torch.from_numpy(self._spanned(samples, statistics, first, last))
                log_mel[first:last] = self._log_mel.frames(block).numpy()
        return log_mel

    def _spanned(
        self, samples: NDArray[np.float32], statistics: Amplitude, first: int, last: int
    ) -> NDArray[np.float32]:
        """The normalised samples under frames first ... last - 1, zeros beyond the clip's ends."""
        hop, length = self.settings.hop_samples, self.settings.fft_samples
        begin, end = first * hop - length // 2, (last - 1) * hop + length // 2
        spanned = np.zeros(end - begin, dtype=np.float32)
        inside = samples[max(begin, 0) : end]
        before = max(-begin, 0)
        statistics.normalise(inside, out=spanned[before : before + len(inside)])
        return spanned
