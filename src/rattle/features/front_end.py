"""From a file to log-mels: reading, amplitude normalisation, the front end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rattle.clips.reading import read_clip
from rattle.features.amplitude import Amplitude
from rattle.features.log_mel import LogMel
from rattle.recipe_parts import Audio, Features

# Spectra of five minutes at a time: an hours-long recording needs no more memory than its frames.
BLOCK_FRAMES = 9375


class FrontEnd:
    """Reads clips and computes their log-mels as a recipe says."""

    def __init__(self, audio: Audio, features: Features) -> None:
        self.audio = audio
        self.features = features
        self._log_mel = LogMel(audio, features)

    def read(self, path: str | Path) -> NDArray[np.float32]:
        """A clip's samples ``[T]``: one channel at the recipe's rate; ``ClipError`` if it can't."""
        return read_clip(
            Path(path), sample_rate_hz=self.audio.sample_rate_hz, channel=self.audio.channel
        )

    def log_mel(self, samples: NDArray[np.float32], statistics: Amplitude) -> NDArray[np.float32]:
        """``[T] -> [1 + T // hop, bands]`` after amplitude normalisation."""
        hop, length = self.features.hop_samples, self.features.fft_samples
        frames = 1 + len(samples) // hop
        padded = torch.from_numpy(np.pad(statistics.normalised(samples), length // 2))
        found = np.empty((frames, self.features.mel_bands), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, frames, BLOCK_FRAMES):
                count = min(BLOCK_FRAMES, frames - first)
                start = first * hop
                block = padded[start : start + (count - 1) * hop + length]
                found[first : first + count] = self._log_mel.frames(block).numpy()
        return found
