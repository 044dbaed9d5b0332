"""Write recordings, the same bytes for the same sound."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

# Name, size and version of a float WAV's PEAK chunk; the time of writing follows.
PEAK, BEFORE_ITS_TIME = b"PEAK", 12


def write_wav(
    path: Path, samples: NDArray[np.int16] | NDArray[np.float32], sample_rate_hz: int
) -> None:
    """Write a WAV file of one channel ``[samples]``, 16-bit or float as the samples are.

    Raises ``OSError`` where the disk is full: libsndfile itself tells of a system error only.
    """
    encoded = io.BytesIO()
    subtype = "PCM_16" if samples.dtype == np.int16 else "FLOAT"
    sf.write(encoded, samples, sample_rate_hz, format="WAV", subtype=subtype)
    content = bytearray(encoded.getvalue())
    if subtype == "FLOAT":
        # Clips are known by the hash of their bytes, which must not tell when they were written.
        time_of_writing = content.index(PEAK) + BEFORE_ITS_TIME
        content[time_of_writing : time_of_writing + 4] = bytes(4)
    path.write_bytes(content)
