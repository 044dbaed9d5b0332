"""Walk the chunks of a RIFF file, whatever lengths they state."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

# The head of a chunk: its name and its length.
HEAD_BYTES = 8
# What is read at once: the header of nearly every file.
FIRST_BYTES = 4096
# Behind a length that is nonsense the sound is looked for so far.
SEARCHED_BYTES = 1 << 20
# What writers put in place of a length that ``ds64`` states, or that they do not know.
WIDE = 0xFFFF_FFFF
# Chunks of recorders and editors: one that states too great a length is a chunk all the same.
KNOWN = frozenset(
    {b"fmt ", b"data", b"fact", b"LIST", b"JUNK", b"junk", b"PAD ", b"FLLR", b"bext", b"iXML"}
    | {b"axml", b"chna", b"cue ", b"smpl", b"inst", b"plst", b"PEAK", b"id3 ", b"ID3 ", b"ds64"}
    | {b"DISP", b"acid", b"cart", b"_PMX", b"afsp", b"umid", b"wamd", b"guan", b"levl", b"slnt"}
)


@dataclass(frozen=True)
class Chunk:
    """A chunk's name, where its content begins, and how many bytes it states to hold.

    ``is_wide``: the length stands in ``ds64``, where those of 4 GiB and more do.
    """

    name: bytes
    start: int
    size: int
    is_wide: bool = False

    @property
    def end(self) -> int:
        return self.start + self.size


class Chunks:
    """The chunks of an open file that begins as RIFF, RIFX, RF64 or BW64 does.

    ``size`` is the file's in bytes, ``order`` the sign that ``struct`` has for its byte order.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        file.seek(0)
        self._first = file.read(FIRST_BYTES)
        self.size = os.fstat(file.fileno()).st_size
        self.magic = self._first[:4]
        self.order = ">" if self.magic == b"RIFX" else "<"
        self._wide_sizes = self._ds64()

    @property
    def riff_end(self) -> int:
        """Where the file ends by its own word."""
        (stated,) = struct.unpack_from(self.order + "I", self._first, 4)
        if stated == WIDE and self._wide_sizes:
            stated = self._wide_sizes[0]
        return int(stated) + HEAD_BYTES

    def walk(self, remarks: list[str]) -> Iterator[Chunk]:
        """Yield each chunk up to the sound, and those behind it up to the first that is none.

        What is odd about lengths, so that another reader may lose its way, goes to ``remarks``.
        """
        place, has_sound = 12, False
        while True:
            chunk = self._at(place)
            if chunk is None or not self._is_chunk(chunk):
                chunk = None if has_sound else self._search(place)
                if chunk is None:
                    return
                remarks.append(
                    f"{chunk.start - HEAD_BYTES - place} bytes of the header are no chunk; the "
                    "sound was looked for behind them"
                )
            yield chunk
            has_sound |= chunk.name == b"data"
            follows = self.next(chunk)
            if follows == chunk.end and chunk.size % 2:
                remarks.append(f"the chunk {chunk.name.decode()!r} is not padded to an even length")
            if follows is None and has_sound:
                return
            place = chunk.start if follows is None else follows

    def next(self, chunk: Chunk) -> int | None:
        """Say where the chunk behind this one begins; None where it is not followed by one."""
        for place in (chunk.end + chunk.size % 2, chunk.end):
            follows = self._at(place)
            if follows is not None and self._is_chunk(follows):
                return place
        return None

    def content(self, chunk: Chunk, most: int) -> bytes:
        """Read a chunk's content, ``most`` bytes of it at most."""
        return self._read(chunk.start, min(chunk.size, most))

    def _at(self, place: int) -> Chunk | None:
        head = self._read(place, HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            return None
        name, size = struct.unpack(self.order + "4sI", head)
        if name == b"data" and size == WIDE and self._wide_sizes:
            return Chunk(name, place + HEAD_BYTES, self._wide_sizes[1], is_wide=True)
        return Chunk(name, place + HEAD_BYTES, size)

    def _is_chunk(self, chunk: Chunk) -> bool:
        # Sound looks like a name in print and a length within the file once in millions of times.
        is_in_print = all(32 <= byte < 127 for byte in chunk.name)
        return chunk.name in KNOWN or (is_in_print and chunk.end <= self.size + 1)

    def _search(self, place: int) -> Chunk | None:
        """Find ``fmt `` or ``data``, with a length that can be, soon behind a place."""
        searched = self._read(place, SEARCHED_BYTES)
        found = -1
        while True:
            places = [searched.find(name, found + 1) for name in (b"fmt ", b"data")]
            found = min((each for each in places if each >= 0), default=-1)
            if found < 0:
                return None
            chunk = self._at(place + found)
            if chunk and (chunk.end <= self.size or chunk.size == WIDE or chunk.name == b"fmt "):
                return chunk

    def _ds64(self) -> tuple[int, int] | None:
        """Read the lengths of file and sound that an RF64 has apart; None where it has none."""
        if self.magic not in (b"RF64", b"BW64") or self._first[12:16] != b"ds64":
            return None
        if len(self._first) < 36:
            return None
        whole, sound = struct.unpack_from("<QQ", self._first, 20)
        # All bits set: not known, as in a RIFF.
        return (whole, sound) if sound < 1 << 63 else None

    def _read(self, place: int, count: int) -> bytes:
        if place + count <= len(self._first):
            return self._first[place : place + count]
        self._file.seek(place)
        return self._file.read(count)


def is_sound_list(content: bytes, order: str) -> bool:
    """Tell whether a ``LIST`` of texts holds just what it says: a length beyond it is a trap.

    libsndfile believes that length, and may never come back.
    """
    place = 4
    while place + HEAD_BYTES <= len(content):
        (size,) = struct.unpack_from(order + "I", content, place + 4)
        place += HEAD_BYTES + size + size % 2
    return place <= len(content) + 1
