"""Round sound to what FLAC holds, and write it: 16 bits a sample where that loses nothing, else 24.

What is beyond full scale is clipped.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from rattle.atomic import replacing
from rattle.clips.pcm16 import FULL_SCALE, from_16_bit, to_16_bit
from rattle.errors import ClipError

SUFFIX = ".flac"
MOST_CHANNELS = 8  # that FLAC can hold
FULL_SCALE_24 = np.float64(1 << 23)


@dataclass(frozen=True)
class Rounded:
    """What FLAC is to hold, ``[T, channels]``; ``floats`` are what will be read of it."""

    numbers: NDArray[np.int16] | NDArray[np.int32]
    floats: NDArray[np.float32]

    def write(self, path: Path, sample_rate_hz: int) -> int:
        """Write it to a file, whole or not at all; gives its bytes.

        Raises ``StorageError`` where it cannot be written.
        """
        subtype = "PCM_16" if self.numbers.dtype == np.int16 else "PCM_24"
        encoded = io.BytesIO()
        sf.write(encoded, self.numbers, sample_rate_hz, format="FLAC", subtype=subtype)
        with replacing(path) as beside:
            return beside.write_bytes(encoded.getvalue())


def rounded(samples: NDArray[np.float32]) -> Rounded:
    """Round ``samples [T]`` or ``[T, channels]``, +-1.

    Raises ``ClipError`` where they hold no sound, samples that are none, or more channels than FLAC
    can.
    """
    samples = samples[:, None] if samples.ndim == 1 else samples
    _check(samples)
    of_16 = to_16_bit(samples)
    if np.array_equal(np.clip(samples, -1, (FULL_SCALE - 1) / FULL_SCALE), from_16_bit(of_16)):
        return Rounded(of_16, from_16_bit(of_16))
    steps = np.rint(samples.astype(np.float64) * FULL_SCALE_24)
    of_24 = np.clip(steps, -FULL_SCALE_24, FULL_SCALE_24 - 1)
    # libsndfile takes the upper bits of 32.
    return Rounded(of_24.astype(np.int32) << 8, (of_24 / FULL_SCALE_24).astype(np.float32))


def _check(samples: NDArray[np.float32]) -> None:
    if not samples.size:
        raise ClipError("the recording holds no sound")
    if samples.shape[1] > MOST_CHANNELS:
        raise ClipError(
            f"the recording has {samples.shape[1]} channels and FLAC holds {MOST_CHANNELS}; let "
            "the source give fewer"
        )
    if not np.isfinite(samples).all():
        raise ClipError("the recording holds NaN or infinity")
