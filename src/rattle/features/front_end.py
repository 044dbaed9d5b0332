"""Turn files into log-mels: read, normalise the amplitude, transform."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rattle.clips.amplitude import Amplitude
from rattle.clips.reading import read_clip
from rattle.features.log_mel import LogMelTransform
from rattle.recipe.parts import Audio, Features

# Frames at a time: their windowed samples and spectra, half a megabyte each, fit a core's cache.
BLOCK_FRAMES = 128


class FrontEnd:
    """What reads clips and computes their log-mels as a recipe says."""

    def __init__(self, audio: Audio, features: Features) -> None:
        self.audio = audio
        self.features = features
        self._log_mel = LogMelTransform(audio, features)

    def read(self, path: str | Path) -> NDArray[np.float32]:
        """Read a clip's samples ``[T]``: one channel at the recipe's rate.

        Raises ``ClipError`` where the clip cannot be read.
        """
        return read_clip(
            Path(path), sample_rate_hz=self.audio.sample_rate_hz, channel=self.audio.channel
        )

    def log_mel(self, samples: NDArray[np.float32], statistics: Amplitude) -> NDArray[np.float32]:
        """Compute the log-mel of samples, ``[T] -> [1 + T // hop, bands]``, normalised first."""
        frames = 1 + len(samples) // self.features.hop_samples
        log_mel = np.empty((frames, self.features.mel_bands), dtype=np.float32)
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
        hop, length = self.features.hop_samples, self.features.fft_samples
        begin, end = first * hop - length // 2, (last - 1) * hop + length // 2
        spanned = np.zeros(end - begin, dtype=np.float32)
        inside = samples[max(begin, 0) : end]
        before = max(-begin, 0)
        statistics.normalise(inside, out=spanned[before : before + len(inside)])
        return spanned
