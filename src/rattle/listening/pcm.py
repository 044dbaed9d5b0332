"""Decode raw PCM, samples one after another, and the header that a WAV puts before them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal, cast

import numpy as np
from numpy.typing import NDArray

from rattle.clips.pcm16 import from_16_bit
from rattle.listening.source import BLOCK_SECONDS, Block

Encoding = Literal["s16le", "f32le"]
# As numpy calls the type of a sample.
TYPES = {"s16le": "<i2", "f32le": "<f4"}


@dataclass(frozen=True)
class Pcm:
    """How samples are written: type, rate, interleaved channels."""

    encoding: Encoding
    sample_rate_hz: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return np.dtype(TYPES[self.encoding]).itemsize * self.channels

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """Decode whole frames of bytes as float32 ``[T, channels]``, full scale at +-1."""
        samples = np.frombuffer(data, TYPES[self.encoding]).reshape(-1, self.channels)
        if self.encoding == "s16le":
            return from_16_bit(samples)
        return samples.astype(np.float32)

    def blocks(self, stream: IO[bytes]) -> Iterator[Block]:
        """Decode what comes in, as it comes in, until the stream ends; half a frame is left."""
        buffered = cast(io.BufferedReader, stream)
        most = max(round(self.sample_rate_hz * BLOCK_SECONDS), 1) * self.frame_bytes
        rest = b""
        # read1 gives what is there and waits for no more.
        while data := buffered.read1(most - len(rest)):
            data = rest + data
            whole = len(data) - len(data) % self.frame_bytes
            rest = data[whole:]
            if whole:
                yield Block(self.decode(data[:whole]), self.sample_rate_hz)


def pcm_of_wav(stream: IO[bytes]) -> Pcm | None:
    """Read the header of a WAV in floats, up to its samples; None where the stream ends before.

    A RIFF file is chunks of a name, a length and so many bytes. ``fmt `` holds at 2 the channels
    and at 4 the rate, ``data`` the samples.
    """
    stream.read(12)  # RIFF, the length of all, WAVE
    pcm = None
    while len(head := stream.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            return pcm
        chunk = stream.read(length + length % 2)
        if name == b"fmt ":
            channels, sample_rate_hz = struct.unpack_from("<HI", chunk, 2)
            pcm = Pcm("f32le", sample_rate_hz, channels)
    return None
