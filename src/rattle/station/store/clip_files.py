"""Keep recordings as FLAC, named by what is heard in them: ``clips/3f/3f0c....flac``.

The name is the content hash that manifests and bundles know clips by (``clips.content``), so one
sound is one file however often it is kept.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from rattle.atomic import replacing, writing
from rattle.clips.content import OF_SOUND, ContentHash
from rattle.clips.pcm16 import FULL_SCALE, from_16_bit, to_16_bit
from rattle.errors import ClipError
from rattle.station.records import ClipHeard
from rattle.station.store.rows import ClipKept

FOLDER = "clips"
SUFFIX = ".flac"
MOST_CHANNELS = 8  # that FLAC can hold
FULL_SCALE_24 = np.float64(1 << 23)


def keep_clip(folder: Path, clip: ClipHeard, *, speech: float | None) -> ClipKept:
    """Write a recording below the data ``folder``, whole or not at all; gives its row.

    With 16 bits a sample where that loses nothing, else with 24; what is beyond full scale is
    clipped. Raises ``StorageError`` where it cannot be written, ``ClipError`` where it holds no
    sound, samples that are none, or more channels than FLAC can.
    """
    samples = _columns(clip.samples)
    numbers, floats, subtype = _rounded(samples)
    content = ContentHash(clip.sample_rate_hz, samples.shape[1])
    content.push(floats)
    sha256 = content.value().removeprefix(OF_SOUND)
    path = path_of(sha256)
    size = _write(folder / path, numbers, clip.sample_rate_hz, subtype)
    return ClipKept(
        source_id=clip.source_id,
        incident_id=clip.incident_id,
        use=clip.use,
        start=clip.start,
        sample_rate_hz=clip.sample_rate_hz,
        seconds=len(samples) / clip.sample_rate_hz,
        peak=clip.peak,
        sha256=sha256,
        path=path.as_posix(),
        bytes=size,
        speech=speech,
    )


def flac_of(samples: NDArray[np.float32], sample_rate_hz: int) -> bytes:
    """Encode ``samples [T]`` or ``[T, channels]`` as ``keep_clip`` does; ``ClipError`` as there."""
    numbers, _, subtype = _rounded(_columns(samples))
    return _encoded(numbers, sample_rate_hz, subtype)


def path_of(sha256: str) -> Path:
    """Where a recording lies in the data folder."""
    return Path(FOLDER) / sha256[:2] / f"{sha256}{SUFFIX}"


def _columns(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give ``[T, channels]`` that FLAC can hold, or raise."""
    samples = samples[:, None] if samples.ndim == 1 else samples
    if not samples.size:
        raise ClipError("the recording holds no sound")
    if samples.shape[1] > MOST_CHANNELS:
        raise ClipError(
            f"the recording has {samples.shape[1]} channels and FLAC holds {MOST_CHANNELS}; let "
            "the source give fewer"
        )
    if not np.isfinite(samples).all():
        raise ClipError("the recording holds NaN or infinity")
    return samples


def _rounded(
    samples: NDArray[np.float32],
) -> tuple[NDArray[np.int16] | NDArray[np.int32], NDArray[np.float32], str]:
    """Give what FLAC is to hold, what will be read of it, and how many bits that takes."""
    of_16 = to_16_bit(samples)
    if np.array_equal(np.clip(samples, -1, (FULL_SCALE - 1) / FULL_SCALE), from_16_bit(of_16)):
        return of_16, from_16_bit(of_16), "PCM_16"
    steps = np.rint(samples.astype(np.float64) * FULL_SCALE_24)
    of_24 = np.clip(steps, -FULL_SCALE_24, FULL_SCALE_24 - 1)
    # libsndfile takes the upper bits of 32.
    return of_24.astype(np.int32) << 8, (of_24 / FULL_SCALE_24).astype(np.float32), "PCM_24"


def _write(
    path: Path, numbers: NDArray[np.int16] | NDArray[np.int32], rate_hz: int, subtype: str
) -> int:
    with writing(path):
        if path.exists():
            os.utime(path)  # retention takes files that no row names, but no new ones
            return path.stat().st_size
    encoded = _encoded(numbers, rate_hz, subtype)
    with replacing(path) as beside:
        return beside.write_bytes(encoded)


def _encoded(numbers: NDArray[np.int16] | NDArray[np.int32], rate_hz: int, subtype: str) -> bytes:
    encoded = io.BytesIO()
    sf.write(encoded, numbers, rate_hz, format="FLAC", subtype=subtype)
    return encoded.getvalue()
