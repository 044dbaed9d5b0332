"""Tell sound whose bytes were written in another way than the header says.

16-bit samples with their bytes the wrong way round, or 8-bit ones with a sign where the format has
none, are a roar at full scale that no microphone gives; taken the other way they are soft, and no
rougher. Sound that is read rightly becomes the roar: its last bits are the other way's first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rattle.clips.sound import Block

# Of a block so many pieces of so many samples, over all channels, are looked at.
PIECES, PIECE_SAMPLES = 3, 4096
# RMS from which on it may be a roar: bytes at random have 0.58.
LOUD = 0.45
# How rough it may be the other way, by how rough it is, and that times how soft.
ROUGHER = 1.3
SOFTER_AND_SMOOTHER = 0.25

_WAYS = {
    "PCM_16": "with their bytes the other way round they are sound",
    "PCM_24": "with their bytes the other way round they are sound",
    "PCM_U8": "as bytes with a sign they are sound",
    "PCM_S8": "as bytes without a sign they are sound",
}


def garbled(block: Block, subtype: str) -> str:
    """Say how the samples ``[frames, channels]`` are garbled, or nothing where they are not."""
    if subtype not in _WAYS or len(block) < 2:
        return ""
    frames = min(max(PIECE_SAMPLES // block.shape[1], 64), len(block))
    starts = [place * (len(block) - frames) // (PIECES - 1) for place in range(PIECES)]
    full_scale = 2**15 if block.dtype == np.int16 else 1
    for start in starts:
        piece = block[start : start + frames]
        # Nearly all sound ends here, after one piece.
        loud = float(piece.std(axis=0, dtype=np.float32).mean()) / full_scale
        if loud < LOUD:
            return ""
        if piece.dtype == np.int16 and not piece.view(np.uint16).astype(np.uint8).any():
            return ""  # 8 bits in 16, which are soft the other way too
        other = _otherwise(piece, subtype)
        rougher = _roughness(other) / _roughness(piece.astype(np.float64))
        softer = float(other.std(axis=0).mean()) / full_scale / loud
        if rougher > ROUGHER or rougher * softer > SOFTER_AND_SMOOTHER:
            return ""
    return f"its samples are garbled, {_WAYS[subtype]}"


def _otherwise(piece: Block, subtype: str) -> NDArray[np.float64]:
    """Take samples the other way, on the same scale."""
    if piece.dtype == np.int16:
        return piece.byteswap().astype(np.float64)
    if subtype == "PCM_24":
        steps = np.rint(piece * 2**23).astype("<i4")
        swapped = steps[..., None].view(np.uint8)[..., 2::-1].astype(np.int32)
        joined = swapped[..., 0] | swapped[..., 1] << 8 | swapped[..., 2] << 16
        return (joined - (joined >> 23 << 24)) / 2**23
    # The sign of 8 bits is their first: half of full scale up or down.
    return np.where(piece < 0, piece + 1.0, piece - 1.0).astype(np.float64)


def _roughness(samples: NDArray[np.float64]) -> float:
    """Compute the power of the steps between samples by that of the samples; 2 for white noise."""
    power = float(np.square(samples - samples.mean(axis=0)).sum())
    return float(np.square(np.diff(samples, axis=0)).sum()) / power if power else 0.0
