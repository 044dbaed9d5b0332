"""The same ten seconds as many recorders write them: what each is read to, and what is said."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from made_up_wav import RATE_HZ, chunk, extensible, fmt, machine, write_wav
from rattle.clips.examine import examine
from rattle.clips.hearing import hear
from rattle.clips.reading import probe, read_clip
from rattle.errors import ClipError
from rattle.recipe import Recipe

SOUND = machine()
DATA = SOUND.tobytes()
FLOATS = SOUND / np.float32(32768)
RECIPE = Recipe.load("fleet")
WIDE = SOUND.astype("<i4") << 16
# With a last byte of noise, as a converter of 24 bits has.
NOISY = WIDE + (np.random.default_rng(1).integers(-128, 128, len(WIDE), dtype="<i4") << 8)


def texts(size: int = 4, text: bytes = b"abc\0") -> bytes:
    return b"INFOISFT" + struct.pack("<I", size) + text


NO_LENGTH = "the header states no length"
ALL_READ = "bytes of sound, 320000 are there: all were read"
FILE_LENGTH = "it has 320044; its sound is whole"
LEFT_OUT = "bytes behind the sound are neither sound nor a chunk: left out"
AT_LOW_END = "its 24 bits lie at the low end of 32, against the format: read as such"

# Name -> chunks, what RIFF states, and the remark. Each holds the sound to the last bit.
WHOLE: dict[str, tuple[list[bytes], int | None, str]] = {
    "in order": ([fmt(), chunk(b"data", DATA)], None, ""),
    "RIFF counts its own header": ([fmt(), chunk(b"data", DATA)], 44 + len(DATA), FILE_LENGTH),
    "RIFF of 0": ([fmt(), chunk(b"data", DATA)], 0, FILE_LENGTH),
    "RIFF far too small": ([fmt(), chunk(b"data", DATA)], 1234, FILE_LENGTH),
    "RIFF 16 too small": ([fmt(), chunk(b"data", DATA)], 20 + len(DATA), FILE_LENGTH),
    "data of 0, RIFF of 0": ([fmt(), chunk(b"data", DATA, size=0)], 0, NO_LENGTH),
    "data of 0, RIFF of 36": ([fmt(), chunk(b"data", DATA, size=0)], 36, NO_LENGTH),
    "data of all bits": ([fmt(), chunk(b"data", DATA, size=2**32 - 1)], 2**32 - 1, NO_LENGTH),
    "data of 2 GiB": ([fmt(), chunk(b"data", DATA, size=2**31 - 1)], 2**31 - 1, NO_LENGTH),
    "data is the file's length": (
        [fmt(), chunk(b"data", DATA, size=len(DATA) + 44)],
        None,
        ALL_READ,
    ),
    "data 16 too large": ([fmt(), chunk(b"data", DATA, size=len(DATA) + 16)], None, ALL_READ),
    "data 44 too small": ([fmt(), chunk(b"data", DATA, size=len(DATA) - 44)], None, ALL_READ),
    "data in frames": ([fmt(), chunk(b"data", DATA, size=len(DATA) // 2)], None, ALL_READ),
    "data before fmt": ([chunk(b"data", DATA), fmt()], None, "'fmt ' chunk"),
    "list before data": ([fmt(), chunk(b"LIST", texts()), chunk(b"data", DATA)], None, ""),
    "odd list without padding": (
        [fmt(), chunk(b"LIST", texts(5, b"abcd\0"), padded=False), chunk(b"data", DATA)],
        *(None, "the chunk 'LIST' is not padded"),
    ),
    "list after data": ([fmt(), chunk(b"data", DATA), chunk(b"LIST", texts())], None, ""),
    "zeros after data": ([fmt(), chunk(b"data", DATA), bytes(512)], 36 + len(DATA), LEFT_OUT),
    "text after data": (
        [fmt(), chunk(b"data", DATA), b"logger 7\r\n" * 4],
        36 + len(DATA),
        LEFT_OUT,
    ),
    "two chunks of data": (
        [fmt(), chunk(b"data", DATA[:160_000]), chunk(b"data", DATA[160_000:])],
        *(None, "2 chunks of sound, read one after another"),
    ),
    "a text of 2 GiB": (
        [fmt(), chunk(b"LIST", texts(0x7FFF_FFF0)), chunk(b"data", DATA)],
        None,
        "",
    ),
    "a text of 4 GiB": ([fmt(), chunk(b"LIST", texts(2**32 - 1)), chunk(b"data", DATA)], None, ""),
    "a list of 4 GiB": (
        [fmt(), chunk(b"LIST", texts(), size=2**32 - 1), chunk(b"data", DATA)],
        *(None, "bytes of the header are no chunk"),
    ),
    "24 bits in 32": ([extensible(24, 32), chunk(b"data", WIDE.tobytes())], None, ""),
    "12 bits in 16": ([extensible(12, 16), chunk(b"data", DATA)], None, ""),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_wav_with_the_sound_whole_is_read_to_the_last_sample(case: str, tmp_path: Path) -> None:
    parts, riff, remark = WHOLE[case]
    path = write_wav(tmp_path / "a.wav", *parts, riff=riff)
    np.testing.assert_array_equal(read_clip(path), FLOATS)
    assert probe(path).frames == len(SOUND)
    heard = hear(path, RECIPE.audio)
    assert remark in heard.remark
    assert bool(remark) == bool(heard.remark)
    findings = examine(path, RECIPE).findings
    assert [(found.code, found.severity, found.message) for found in findings] == (
        [("odd-header", "warning", heard.remark)] if remark else []
    )


def test_24_bits_at_the_low_end_of_32_are_as_loud_as_at_the_high_end(tmp_path: Path) -> None:
    right = write_wav(tmp_path / "a.wav", extensible(24, 32), chunk(b"data", NOISY.tobytes()))
    low = (NOISY >> 8).tobytes()
    wrong = write_wav(tmp_path / "b.wav", extensible(24, 32), chunk(b"data", low))
    np.testing.assert_array_equal(read_clip(wrong), read_clip(right))
    assert hear(wrong, RECIPE.audio).remark == AT_LOW_END
    assert hear(right, RECIPE.audio).remark == ""


def test_what_may_lie_at_the_low_end_is_read_as_it_stands_and_told(tmp_path: Path) -> None:
    """No bit tells it from very soft sound where the last eight of 24 hold nothing."""
    path = write_wav(tmp_path / "a.wav", extensible(24, 32), chunk(b"data", (WIDE >> 8).tobytes()))
    np.testing.assert_array_equal(read_clip(path), FLOATS / 256)
    assert "its 24 bits may lie at the low end of 32" in hear(path, RECIPE.audio).remark


FORMATS = {
    "a.rf64": ("RF64", "PCM_16", 0.0),
    "double.wav": ("WAV", "DOUBLE", 0.0),
    "float.wav": ("WAV", "FLOAT", 0.0),
    "a.aiff": ("AIFF", "PCM_16", 0.0),
    "a.caf": ("CAF", "PCM_16", 0.0),
    "alac.caf": ("CAF", "ALAC_16", 0.0),
    "a.au": ("AU", "PCM_16", 0.0),
    "a.w64": ("W64", "PCM_16", 0.0),
    "a.flac": ("FLAC", "PCM_16", 0.0),
    "s24.wav": ("WAV", "PCM_24", 0.0),
    "s32.wav": ("WAV", "PCM_32", 0.0),
    "u8.wav": ("WAV", "PCM_U8", 2**-7),
    "a-law.wav": ("WAV", "ALAW", 2**-9),
    "mu-law.wav": ("WAV", "ULAW", 2**-9),
}


@pytest.mark.parametrize("name", FORMATS)
def test_other_formats_hold_the_same_sound_and_need_no_remark(name: str, tmp_path: Path) -> None:
    container, subtype, rounding = FORMATS[name]
    samples = FLOATS if subtype in ("FLOAT", "DOUBLE") else SOUND
    sf.write(tmp_path / name, samples, RATE_HZ, format=container, subtype=subtype)
    np.testing.assert_allclose(read_clip(tmp_path / name), FLOATS, rtol=0, atol=rounding)
    assert examine(tmp_path / name, RECIPE).findings == ()


# The least that the sound and what was read have in common, as correlation.
LOSSY = {
    "ima.wav": ("WAV", "IMA_ADPCM", 0.99),
    "ms.wav": ("WAV", "MS_ADPCM", 0.99),
    "gsm.wav": ("WAV", "GSM610", 0.9),
    "a.ogg": ("OGG", "VORBIS", 0.9),
    "a.opus": ("OGG", "OPUS", 0.9),
    "a.mp3": ("MP3", "MPEG_LAYER_III", 0.9),
}


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_hold_nearly_the_same_sound(name: str, tmp_path: Path) -> None:
    container, subtype, least = LOSSY[name]
    sf.write(tmp_path / name, SOUND, RATE_HZ, format=container, subtype=subtype)
    read = read_clip(tmp_path / name)
    # Codecs that work in blocks fill up the last one.
    assert len(SOUND) <= len(read) < len(SOUND) + 1024
    assert np.corrcoef(read[: len(SOUND)], FLOATS)[0, 1] > least
    assert examine(tmp_path / name, RECIPE).findings == ()


def test_counts_in_floats_are_read_as_they_are_and_told(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", SOUND.astype(np.float32), RATE_HZ, subtype="FLOAT")
    np.testing.assert_array_equal(read_clip(tmp_path / "a.wav"), SOUND)
    (finding,) = examine(tmp_path / "a.wav", RECIPE).findings
    assert (finding.code, finding.severity) == ("counts", "warning")
    assert f"samples reach {abs(SOUND.astype(int)).max()}" in finding.message


def swapped() -> bytes:
    return SOUND.byteswap().tobytes()


def with_a_sign() -> bytes:
    return (SOUND >> 7).astype(np.int8).tobytes()


@pytest.mark.parametrize(
    ("head", "data", "said"),
    [(fmt(), swapped, "the other way round"), (fmt(8), with_a_sign, "bytes with a sign")],
)
def test_samples_that_are_evidently_garbled_are_refused_and_told(
    head: bytes, data: Callable[[], bytes], said: str, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "a.wav", head, chunk(b"data", data()))
    with pytest.raises(ClipError, match=rf"a\.wav: its samples are garbled, .*{said}"):
        read_clip(path)
    (finding,) = examine(path, RECIPE).findings
    assert (finding.code, finding.severity) == ("unreadable", "error")
    assert said in finding.message


def test_what_little_is_there_behind_a_trap_is_read(tmp_path: Path) -> None:
    """libsndfile never came back from it."""
    path = write_wav(
        tmp_path / "a.wav", fmt(), chunk(b"LIST", texts(2**32 - 1)), chunk(b"data", DATA[:64])
    )
    np.testing.assert_array_equal(read_clip(path), FLOATS[:32])
    assert [found.code for found in examine(path, RECIPE).findings] == ["too-short"]
