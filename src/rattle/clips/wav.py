"""Find the sound in a WAV by its chunks: its header's lengths are often wrong.

A WAV is ``RIFF``, a length and ``WAVE``, then chunks of a name, a length and so many bytes:
``fmt `` says how the sound is written, ``data`` the sound.
What is whole and what is cut short:

=============================================  ===================================================
the length of ``data``                         what is read
=============================================  ===================================================
is right                                       so much
is 0, or unknown: 0x7FFF0000 and above         all up to the end of the file, with a remark
is the file's, or at most 44 bytes too large   all up to the end of the file, with a remark: the
                                               header was counted in
is too large by more                           nothing: the recording is cut short
is too small, and the length of ``RIFF``       all up to the end of the file, with a remark
reaches the end of the file
is too small, and that of ``RIFF`` too         so much, with a remark about the rest
=============================================  ===================================================

It is too small where neither another chunk nor the end of the file follows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import FileIO

from rattle.clips.wav_chunks import Chunk, Chunks, is_sound_list

# Recorders that write to a pipe cannot go back to fill in the length and leave a number near 2 or
# 4 GiB in its place (sox 0x7FFFF000, ffmpeg 0xFFFFFFFF). Such a length promises nothing.
UNKNOWN_BYTES = 0x7FFF_0000
# The heads of RIFF and data and a ``fmt `` of 16 bytes: what writers count in by mistake. Where it
# is no mistake, 22 samples are lost.
HEADER_BYTES = 44
# Chunks that libsndfile may see. What others say it believes too, and nobody needs.
HARMLESS = frozenset({b"fmt ", b"fact", b"data", b"ds64", b"JUNK", b"junk", b"PAD ", b"FLLR"})

EXTENSIBLE = 0xFFFE
# How libsndfile reads the sound of a WAV to be written: PCM, Microsoft's ADPCM, floats, A-law,
# mu-law, IMA's ADPCM, GSM, and what the rest of ``fmt `` says.
BY_LIBSNDFILE = frozenset({1, 2, 3, 6, 7, 0x11, 0x31, EXTENSIBLE})


@dataclass(frozen=True)
class Wav:
    """Where the sound of a WAV is, and what is odd about its header.

    ``spans`` are offset and length in bytes of the pieces of sound. ``missing`` says how the file
    is cut short, ``remarks`` what is read otherwise than the header says. ``is_plain``: who trusts
    the header finds the same.
    """

    order: str
    fmt: bytes
    fact: bytes
    spans: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]
    missing: str | None
    is_plain: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes that belong together: a sample of each channel, or a block of a codec."""
        (align,) = struct.unpack_from(self.order + "H", self.fmt, 12)
        return max(int(align), 1)

    @property
    def needs_ffmpeg(self) -> bool:
        """Whether its sound is written in a way that libsndfile does not know, or not well."""
        (kind,) = struct.unpack_from(self.order + "H", self.fmt)
        return kind not in BY_LIBSNDFILE

    @property
    def empty_bits(self) -> int:
        """Low bits of each 32-bit sample that hold nothing, by the header's word."""
        if len(self.fmt) < 26 or struct.unpack_from(self.order + "H", self.fmt) != (EXTENSIBLE,):
            return 0
        bits, valid, kind = struct.unpack_from(self.order + "H2xH4xH", self.fmt, 14)
        return 32 - int(valid) if kind == 1 and bits == 32 and 16 <= valid < 32 else 0


def read_wav(file: FileIO) -> Wav:
    """Walk the chunks of a WAV, RIFX, RF64 or BW64 file, in microseconds where it is in order.

    Raises ``ValueError`` with the reason where it holds no ``fmt `` or no ``data``.
    """
    chunks = Chunks(file)
    remarks: list[str] = []
    spans: list[tuple[int, int]] = []
    parts: dict[bytes, bytes] = {}
    missing, is_in_order = None, True
    is_plain = chunks.magic != b"BW64"  # libsndfile knows the name RF64 only
    for chunk in chunks.walk(remarks):
        if chunk.name == b"data":
            is_in_order = b"fmt " in parts and not spans
            length, odd, missing = _sound(chunk, chunks)
            spans.append((chunk.start, length))
            remarks += odd
        elif chunk.name in (b"fmt ", b"fact"):
            parts.setdefault(chunk.name, chunks.content(chunk, 4096))
        elif chunk.name == b"LIST":
            content = chunks.content(chunk, 1 << 16)
            is_plain &= is_sound_list(content, chunks.order) and len(content) == chunk.size
        else:
            is_plain &= chunk.name in HARMLESS
    if len(parts.get(b"fmt ", b"")) < 16:
        raise ValueError("no 'fmt ' chunk, which says how the sound is written")
    if not spans:
        raise ValueError("no 'data' chunk, which holds the sound")
    if len(spans) > 1:
        remarks.append(f"{len(spans)} chunks of sound, read one after another")
    elif not is_in_order:
        remarks.append("the 'fmt ' chunk, which says how the sound is written, lies behind it")
    if not remarks and missing is None:
        remarks += _file_length(chunks)
    is_plain &= not remarks
    fact = parts.get(b"fact", b"")
    return Wav(chunks.order, parts[b"fmt "], fact, tuple(spans), tuple(remarks), missing, is_plain)


def _sound(chunk: Chunk, chunks: Chunks) -> tuple[int, list[str], str | None]:
    """Say how many bytes of sound to read, what is odd about it, and how it is cut short."""
    stated, there = chunk.size, chunks.size - chunk.start
    rest = there - stated
    if rest in (0, 1) or (rest > 0 and chunks.next(chunk) is not None):
        return stated, [], None
    if stated == 0 or (rest < 0 and stated >= UNKNOWN_BYTES and not chunk.is_wide):
        return there, [_NO_LENGTH], None
    all_read = [f"the header states {stated} bytes of sound, {there} are there: all were read"]
    if rest < 0:
        if -rest <= HEADER_BYTES or stated in (chunks.size, chunks.size - 8):
            return there, all_read, None
        promised = f"the header promises {stated} bytes of sound, {there} are there"
        return there, [], f"cut short: {promised}"
    reaches_on = chunks.riff_end > chunk.end + 1 and chunks.riff_end >= chunks.size - HEADER_BYTES
    # Beyond 4 GiB lengths of 32 bits begin at 0 again.
    if reaches_on or rest >= 1 << 32:
        return there, all_read, None
    return stated, [f"{rest} bytes behind the sound are neither sound nor a chunk: left out"], None


def _file_length(chunks: Chunks) -> list[str]:
    stated, size = chunks.riff_end, chunks.size
    if abs(stated - size) <= 1:
        return []
    return [f"the header states a file of {stated} bytes, it has {size}; its sound is whole"]


_NO_LENGTH = (
    "the header states no length, as where a recorder was interrupted or wrote to a pipe: all up "
    "to the end of the file was read"
)
