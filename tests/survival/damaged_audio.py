"""Recordings that are damaged, each by its number alone.

``damaged(case)`` takes a whole file of one of the formats and does to it one of the things that
happen to files: cut transfers, failing disks, recorders that lose power, wrong names, and headers
that someone made to do harm.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile as sf

Rng = np.random.Generator
SEED = 20
RATE_HZ, SAMPLES = 16_000, 6_000

# Suffix, libsndfile's format and subtype.
FORMATS = (
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "DOUBLE"),
    ("wav", "WAVEX", "PCM_16"),
    ("wav", "WAVEX", "FLOAT"),
    ("rf64", "RF64", "PCM_16"),
    ("flac", "FLAC", "PCM_16"),
    ("flac", "FLAC", "PCM_24"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_16"),
    ("aiff", "AIFF", "FLOAT"),
    ("au", "AU", "PCM_16"),
    ("au", "AU", "FLOAT"),
    ("w64", "W64", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
    ("caf", "CAF", "FLOAT"),
)
FLOATS = tuple(of for of in FORMATS if of[2] in ("FLOAT", "DOUBLE"))
BIG_ENDIAN = ("AIFF", "AU", "CAF")
# Their headers state how much sound there is: a file that is cut can be told.
SIZED = ("WAV", "WAVEX", "RF64", "FLAC", "AIFF", "AU", "W64", "CAF")
# Where the number of channels is: so many bytes from where a name begins, and how it is packed.
CHANNELS = {
    "WAV": (b"fmt ", 10, "<H"),
    "WAVEX": (b"fmt ", 10, "<H"),
    "RF64": (b"fmt ", 10, "<H"),
    "AIFF": (b"COMM", 8, ">H"),
    "AU": (b".snd", 20, ">I"),
    "W64": (b"fmt ", 26, "<H"),
    "CAF": (b"desc", 36, ">I"),
    "VORBIS": (b"\x01vorbis", 11, "<B"),
    "OPUS": (b"OpusHead", 9, "<B"),
}
# What a size follows.
CHUNKS = (b"RIFF", b"RF64", b"ds64", b"fmt ", b"data", b"FORM", b"COMM", b"SSND", b".snd", b"desc")
NUMBERS = (0, 1, 2, 3, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
HUGE = (0x7FFF_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF, 2**40, 2**62, 2**63 - 1)
NO_SAMPLES = (np.nan, np.inf, -np.inf, 1e38, -1e38, 1e300)
TEXTS = (
    b"",
    b"no sound at all\n",
    b"RIFF",
    b"<html><body>404 Not Found</body></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 320044\n",
    b"time,level\n" + b"0.1,0.2\n" * 5000,
    b"\xff\xfe" + "Schwingung".encode("utf-16le"),
    b"\x89PNG\r\n\x1a\n" + bytes(3000),
    b"PK\x03\x04" + bytes(3000),
    b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(3000),
)


@dataclass(frozen=True)
class Damaged:
    """What a file named with ``suffix`` holds.

    ``is_cut``: less is there than its header promises, so that nothing may take it for whole.
    """

    content: bytes
    suffix: str
    how: str
    is_cut: bool = False


def damaged(case: int) -> Damaged:
    """The damaged recording of that number, always the same."""
    rng = np.random.default_rng([SEED, case])
    return KINDS[int(rng.integers(len(KINDS)))](rng)


@cache
def whole(suffix: str, container: str, subtype: str, channels: int) -> bytes:
    """A whole file: noise over a tone."""
    rng = np.random.default_rng([SEED, channels])
    tone = np.sin(np.arange(SAMPLES) * 0.2)[:, None]
    samples = 0.3 * tone + rng.normal(0, 0.1, (SAMPLES, channels))
    file = io.BytesIO()
    sf.write(file, samples, RATE_HZ, format=container, subtype=subtype)
    return file.getvalue()


@dataclass(frozen=True)
class Drawn:
    """A whole file before something is done to it."""

    suffix: str
    container: str
    subtype: str
    content: bytes

    @classmethod
    def by(cls, rng: Rng, formats: tuple[tuple[str, str, str], ...] = FORMATS) -> Drawn:
        suffix, container, subtype = formats[int(rng.integers(len(formats)))]
        most = {"MP3": 2, "OGG": 2}.get(container, 3)
        channels = 1 + int(rng.integers(most))
        return cls(suffix, container, subtype, whole(suffix, container, subtype, channels))

    def with_bytes(self, place: int, data: bytes, what: str) -> Damaged:
        """The same file with other bytes at a place."""
        content = self.content[:place] + data + self.content[place + len(data) :]
        return Damaged(content, self.suffix, f"{self.container} {self.subtype}: {what}")


def _truncated(rng: Rng) -> Damaged:
    drawn = Drawn.by(rng)
    most = 200 if rng.random() < 0.3 else len(drawn.content) // 2
    length = int(rng.integers(most))
    how = f"{drawn.container} {drawn.subtype}: cut to {length} bytes"
    return Damaged(drawn.content[:length], drawn.suffix, how, drawn.container in SIZED)


def _flipped(rng: Rng) -> Damaged:
    drawn = Drawn.by(rng)
    data = bytearray(drawn.content)
    reach = 120 if rng.random() < 0.6 else len(data)
    for place in rng.integers(reach, size=int(rng.integers(1, 40))):
        data[place] ^= 1 << int(rng.integers(8))
    return drawn.with_bytes(0, bytes(data), f"bits flipped in the first {reach} bytes")


def _lying(rng: Rng) -> Damaged:
    """A number of the header in place of another."""
    drawn = Drawn.by(rng)
    place, number = int(rng.integers(4, 120)), NUMBERS[int(rng.integers(len(NUMBERS)))]
    size = (1, 2, 4)[int(rng.integers(3))]
    number %= 256**size
    order = "big" if drawn.container in BIG_ENDIAN else "little"
    return drawn.with_bytes(place, number.to_bytes(size, order), f"{number} at byte {place}")


def _huge(rng: Rng) -> Damaged:
    """A chunk, or the sound itself, that says to be larger than any disk."""
    drawn = Drawn.by(rng)
    number = HUGE[int(rng.integers(len(HUGE)))]
    if drawn.container == "FLAC":  # the last 32 bits of its number of samples
        return drawn.with_bytes(22, (number % 2**32).to_bytes(4, "big"), f"{number} samples")
    names = [name for name in CHUNKS if name in drawn.content[:400]]
    if not names:
        place = int(rng.integers(64))
        return drawn.with_bytes(place, b"\xff" * 8, f"all bits set at byte {place}")
    name = names[int(rng.integers(len(names)))]
    wide = drawn.container in ("CAF", "W64") or name == b"ds64"
    packed = struct.pack(
        (">" if drawn.container in BIG_ENDIAN else "<") + ("Q" if wide else "I"),
        number if wide else number % 2**32,
    )
    skipped = {"W64": 16}.get(drawn.container, 8 if name == b"ds64" else 4)
    return drawn.with_bytes(drawn.content.index(name) + skipped, packed, f"{name!r} of {number}")


def _channels(rng: Rng) -> Damaged:
    """No channel at all, or more than any recorder has."""
    known = tuple(of for of in FORMATS if of[1] in CHANNELS or of[2] in CHANNELS)
    drawn = Drawn.by(rng, known)
    name, skipped, packing = CHANNELS.get(drawn.container) or CHANNELS[drawn.subtype]
    number = (0, 0, 0, 200, 1023, 1024, 0xFFFF, 0xFFFF_FFFF)[int(rng.integers(8))]
    packed = struct.pack(packing, number % 256 ** struct.calcsize(packing))
    what = f"{int.from_bytes(packed, 'big')} channels"
    return drawn.with_bytes(drawn.content.index(name) + skipped, packed, what)


def _no_samples(rng: Rng) -> Damaged:
    """NaN, infinity and numbers that no microphone gives."""
    suffix, container, subtype = FLOATS[int(rng.integers(len(FLOATS)))]
    samples = rng.normal(0, 0.1, (SAMPLES, int(rng.integers(1, 4))))
    value = NO_SAMPLES[int(rng.integers(len(NO_SAMPLES)))]
    places = rng.integers(samples.size, size=int(rng.integers(1, 50)))
    samples.flat[places] = value
    file = io.BytesIO()
    with np.errstate(over="ignore"):
        sf.write(file, samples, RATE_HZ, format=container, subtype=subtype)
    return Damaged(file.getvalue(), suffix, f"{container} {subtype}: {len(places)} of {value}")


def _no_audio(rng: Rng) -> Damaged:
    """A file that was something else, under a recording's name."""
    suffix = FORMATS[int(rng.integers(len(FORMATS)))][0]
    text = TEXTS[int(rng.integers(len(TEXTS)))]
    if rng.random() < 0.3:
        text = rng.bytes(int(rng.integers(1, 5000)))
    return Damaged(text, suffix, f"{text[:20]!r} named .{suffix}")


def _spliced(rng: Rng) -> Damaged:
    """The beginning of one file and the end of another, of any two formats."""
    first, second = Drawn.by(rng), Drawn.by(rng)
    head, tail = int(rng.integers(12, 200)), int(rng.integers(len(second.content)))
    how = f"{head} bytes of {first.container} before {second.container} from byte {tail}"
    return Damaged(first.content[:head] + second.content[tail:], first.suffix, how)


def _blanked(rng: Rng) -> Damaged:
    """A sector or more of zeros, or a stretch that is there twice or missing."""
    drawn = Drawn.by(rng)
    content, length = drawn.content, int(rng.integers(1, 2048))
    start = int(rng.integers(len(content)))
    middle = (bytes(length), content[start : start + length] * 2, b"")[int(rng.integers(3))]
    how = f"{drawn.container} {drawn.subtype}: {length} bytes at {start} became {len(middle)}"
    return Damaged(content[:start] + middle + content[start + length :], drawn.suffix, how)


def _lying_list(rng: Rng) -> Damaged:
    """A WAV whose list of texts, before or behind the sound, states lengths that are not so."""
    subtype = ("PCM_16", "FLOAT")[int(rng.integers(2))]
    content = whole("wav", "WAV", subtype, 1)
    lengths = [int(HUGE[int(rng.integers(len(HUGE)))]) % 2**32 for _ in range(2)]
    if rng.random() < 0.5:
        lengths[0] = 16
    text = b"LIST" + struct.pack("<I", lengths[0]) + b"INFOISFT"
    text += struct.pack("<I", lengths[1]) + b"abc\0"
    place = (12, content.index(b"data"), len(content))[int(rng.integers(3))]
    how = f"WAV {subtype}: a list of {lengths[0]} bytes at {place} with a text of {lengths[1]}"
    return Damaged(content[:place] + text + content[place:], "wav", how)


KINDS = (
    _truncated,
    _flipped,
    _lying,
    _huge,
    _channels,
    _no_samples,
    _no_audio,
    _spliced,
    _blanked,
    _lying_list,
)
