"""Tell what kind of file a recording is, by its first bytes: names lie, and readers guess.

Each kind is given to the reader that knows it, and to no other: ffmpeg, left to guess, takes a list
of other files for a recording and opens what it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO

# Of a transport stream, three packets.
FIRST_BYTES = 600
# Of such a stream, and of one on a camera's card, where four bytes of time come first.
TS_PACKETS = ((188, 0), (192, 4))


@dataclass(frozen=True)
class Container:
    """A kind of file: what it is called, and what ffmpeg calls the part that reads it.

    ``is_wav``: its chunks are walked, which tell whether libsndfile reads it. ``needs_ffmpeg``:
    libsndfile does not.
    """

    name: str
    demuxer: str = ""
    is_wav: bool = False
    needs_ffmpeg: bool = False


# How libsndfile reads the sound of a CAF to be written.
CAF_BY_LIBSNDFILE = (b"lpcm", b"alac", b"ulaw", b"alaw")

WAV = Container("WAV", "wav", is_wav=True)
# What libsndfile may know by another sign, or nobody.
OTHER = Container("recording")

# Sign, where it stands, and the kind.
_SIGNS = (
    (b"riff\x2e\x91\xcf\x11", 0, Container("W64", "w64")),
    (b"AIF", 8, Container("AIFF", "aiff")),
    (b".snd", 0, Container("AU", "au")),
    (b"fLaC", 0, Container("FLAC", "flac")),
    (b"Speex   ", 28, Container("Ogg Speex", "ogg", needs_ffmpeg=True)),
    (b"\x7fFLAC", 28, Container("Ogg FLAC", "ogg", needs_ffmpeg=True)),
    (b"OggS", 0, Container("Ogg", "ogg")),
    (b"ftyp", 4, Container("MP4 or M4A", "mov", needs_ffmpeg=True)),
    (b"moov", 4, Container("MOV", "mov", needs_ffmpeg=True)),
    (b"mdat", 4, Container("MOV", "mov", needs_ffmpeg=True)),
    (b"wide", 4, Container("MOV", "mov", needs_ffmpeg=True)),
    (b"free", 4, Container("MOV", "mov", needs_ffmpeg=True)),
    (b"\x1a\x45\xdf\xa3", 0, Container("Matroska or WebM", "matroska", needs_ffmpeg=True)),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, Container("WMA", "asf", needs_ffmpeg=True)),
    (b"#!AMR", 0, Container("AMR", "amr", needs_ffmpeg=True)),
    (b"AVI ", 8, Container("AVI", "avi", needs_ffmpeg=True)),
    (b"FLV\x01", 0, Container("FLV", "flv", needs_ffmpeg=True)),
    (b"\x00\x00\x01\xba", 0, Container("MPEG video", "mpeg", needs_ffmpeg=True)),
    (b"wvpk", 0, Container("WavPack", "wv", needs_ffmpeg=True)),
    (b"MAC ", 0, Container("Monkey's Audio", "ape", needs_ffmpeg=True)),
    (b"TTA1", 0, Container("True Audio", "tta", needs_ffmpeg=True)),
    (b"\x0b\x77", 0, Container("AC-3", "ac3", needs_ffmpeg=True)),
)
_MPEG_AUDIO = Container("MP3", "mp3")
_AAC = Container("AAC", "aac", needs_ffmpeg=True)
_TRANSPORT_STREAM = Container("MPEG transport stream", "mpegts", needs_ffmpeg=True)


def container_of(file: FileIO) -> Container:
    """Look at the first bytes of an open file, and behind an ID3 tag that it may begin with."""
    first = file.read(FIRST_BYTES)
    if first[:3] == b"ID3" and len(first) > 10:
        # Four bytes of seven bits each, and the tag's own head of ten.
        size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(first[6:10]))
        file.seek(10 + size)
        return _kind(file.read(FIRST_BYTES), _MPEG_AUDIO)
    return _kind(first, OTHER)


def _kind(first: bytes, otherwise: Container) -> Container:
    if first[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and first[8:12] == b"WAVE":
        return WAV
    if first[:4] == b"caff":
        return Container("CAF", "caf", needs_ffmpeg=first[28:32] not in CAF_BY_LIBSNDFILE)
    for sign, place, container in _SIGNS:
        if first[place : place + len(sign)] == sign:
            return container
    # A frame of MPEG begins with eleven bits that are set; those of AAC have layer 0.
    if first[:1] == b"\xff" and first[1:2] >= b"\xe0":
        is_aac = first[1] & 0xF6 == 0xF0
        return _AAC if is_aac else _MPEG_AUDIO
    for length, place in TS_PACKETS:
        if first[place : place + 2 * length + 1 : length] == b"GGG":
            return _TRANSPORT_STREAM
    return otherwise
