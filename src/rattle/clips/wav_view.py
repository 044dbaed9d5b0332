"""Show the sound of a WAV as a file in order, so that any reader reads it."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

from rattle.clips.wav import Wav

# From here on the lengths of a RIFF do not fit 32 bits, and it is an RF64.
LARGEST_RIFF = 0xFFFF_0000


class WavView(io.RawIOBase):
    """A file of ``fmt ``, ``fact`` and one ``data``, the sound's bytes from where they lie."""

    def __init__(self, path: Path, wav: Wav) -> None:
        self._file = path.open("rb", buffering=0)
        *firsts, last = wav.spans
        # Frames must not shift: what a piece has beyond whole ones is left out.
        spans = [(start, length - length % wav.frame_bytes) for start, length in firsts] + [last]
        self._header = _header(wav, sum(length for _, length in spans))
        self._pieces: list[tuple[int, int, int]] = []  # where it is shown, where it lies, length
        place = len(self._header)
        for start, length in spans:
            self._pieces.append((place, start, length))
            place += length
        self._size, self._place = place, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(origin + offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        out, done = memoryview(buffer).cast("B"), 0
        while done < len(out) and (data := self._read(len(out) - done)):
            out[done : done + len(data)] = data
            done += len(data)
        return done

    def close(self) -> None:
        self._file.close()
        super().close()

    def _read(self, count: int) -> bytes:
        data = self._header[self._place : self._place + count]
        for shown, lies, length in self._pieces:
            if not data and shown <= self._place < shown + length:
                into = self._place - shown
                self._file.seek(lies + into)
                data = self._file.read(min(count, length - into))
        self._place += len(data)
        return data


def _header(wav: Wav, sound_bytes: int) -> bytes:
    order = wav.order

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack(order + "I", len(content)) + content + bytes(len(content) % 2)

    parts = chunk(b"fmt ", wav.fmt) + (chunk(b"fact", wav.fact) if wav.fact else b"")
    riff_bytes = 4 + len(parts) + 8 + sound_bytes
    if riff_bytes < LARGEST_RIFF or order == ">":
        magic = b"RIFF" if order == "<" else b"RIFX"
        riff, data = (struct.pack(order + "I", size) for size in (riff_bytes, sound_bytes))
        return magic + riff + b"WAVE" + parts + b"data" + data
    ds64 = chunk(b"ds64", struct.pack("<QQQI", riff_bytes + 36, sound_bytes, 0, 0))
    unknown = struct.pack("<I", 0xFFFF_FFFF)
    return b"RF64" + unknown + b"WAVE" + ds64 + parts + b"data" + unknown
