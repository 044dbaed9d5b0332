"""WAV files as recorders write them, chunk by chunk, right or wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

RATE_HZ = 16_000
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def chunk(name: bytes, content: bytes, *, size: int | None = None, padded: bool = True) -> bytes:
    """A chunk that states ``size`` bytes, by default those that it holds."""
    stated = len(content) if size is None else size
    return name + struct.pack("<I", stated) + content + b"\0" * (padded and len(content) % 2)


def fmt(bits: int = 16, *, kind: int = 1, channels: int = 1, more: bytes = b"") -> bytes:
    """The chunk that says how the sound is written."""
    frame = channels * bits // 8
    said = struct.pack("<HHIIHH", kind, channels, RATE_HZ, RATE_HZ * frame, frame, bits)
    return chunk(b"fmt ", said + more)


def extensible(valid: int, bits: int) -> bytes:
    """The same in the longer form, which says how many of the bits are used."""
    return fmt(bits, kind=0xFFFE, more=struct.pack("<HHI", 22, valid, 4) + PCM_GUID)


def write_wav(path: Path, *parts: bytes, riff: int | None = None, magic: bytes = b"RIFF") -> Path:
    """Write a WAV of these parts, which states ``riff`` bytes, by default those that follow."""
    body = b"WAVE" + b"".join(parts)
    stated = len(body) if riff is None else riff
    path.write_bytes(magic + struct.pack("<I", stated) + body)
    return path


def machine(seconds: float = 10.0) -> np.ndarray:
    """A hum in noise, 16-bit, as soft as a machine at some distance."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(0)
    noise = np.convolve(rng.normal(0, 300, len(t)), np.ones(4) / 4, "same")
    return np.rint(500 * np.sin(2 * np.pi * 120 * t) + noise).astype(np.int16)
