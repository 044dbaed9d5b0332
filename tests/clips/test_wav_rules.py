"""Which WAV is whole, which is cut short, and where the sound lies."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from made_up_wav import RATE_HZ, chunk, fmt, machine, write_wav
from rattle.clips.reading import probe, read_clip
from rattle.clips.wav import HEADER_BYTES, Wav, read_wav
from rattle.errors import ClipError

SOUND = machine(1.0)
DATA = SOUND.tobytes()
FLOATS = SOUND / np.float32(32768)


def walked(path: Path) -> Wav:
    with path.open("rb", buffering=0) as file:
        return read_wav(file)


def test_a_wav_in_order_is_left_to_libsndfile(tmp_path: Path) -> None:
    wav = walked(write_wav(tmp_path / "a.wav", fmt(), chunk(b"data", DATA)))
    assert (wav.spans, wav.is_plain, wav.remarks, wav.missing) == (((44, 32_000),), True, (), None)


@pytest.mark.parametrize(("lacking", "is_whole"), [(HEADER_BYTES, True), (HEADER_BYTES + 2, False)])
def test_what_lacks_no_more_than_a_header_is_whole(
    lacking: int, is_whole: bool, tmp_path: Path
) -> None:
    data = chunk(b"data", DATA, size=len(DATA) + lacking)
    path = write_wav(tmp_path / "a.wav", fmt(), data)
    if is_whole:
        np.testing.assert_array_equal(read_clip(path), FLOATS)
        return
    with pytest.raises(ClipError, match=r"cut short: the header promises 32046 .* 32000 are there"):
        read_clip(path)


@pytest.mark.parametrize("name", [b"LIST", b"bext", b"odd "])
def test_chunks_before_and_behind_the_sound_are_no_sound(name: bytes, tmp_path: Path) -> None:
    other = chunk(name, b"x" * 7777)
    path = write_wav(tmp_path / "a.wav", other, fmt(), other, chunk(b"data", DATA), other)
    np.testing.assert_array_equal(read_clip(path), FLOATS)
    assert walked(path).remarks == ()


def test_chunks_whose_content_libsndfile_may_believe_are_kept_from_it(tmp_path: Path) -> None:
    cue = chunk(b"cue ", struct.pack("<I", 2**32 - 1))
    path = write_wav(tmp_path / "a.wav", fmt(), cue, chunk(b"data", DATA))
    assert not walked(path).is_plain
    np.testing.assert_array_equal(read_clip(path), FLOATS)


def test_a_length_that_neither_header_confirms_is_believed_as_players_do(tmp_path: Path) -> None:
    data = chunk(b"data", DATA, size=16_000)
    path = write_wav(tmp_path / "a.wav", fmt(), data, riff=36 + 16_000)
    np.testing.assert_array_equal(read_clip(path), FLOATS[:8000])
    assert walked(path).remarks == (
        "16000 bytes behind the sound are neither sound nor a chunk: left out",
    )


def test_the_word_data_in_a_text_is_not_taken_for_the_sound(tmp_path: Path) -> None:
    text = chunk(b"LIST", b"INFOICMTdata logger 7, fmt unknown", size=2**31)
    path = write_wav(tmp_path / "a.wav", fmt(), text, chunk(b"data", DATA))
    np.testing.assert_array_equal(read_clip(path), FLOATS)


def test_pieces_of_sound_are_joined_without_a_shift(tmp_path: Path) -> None:
    """A frame of two channels that is cut in two would swap the channels from there on."""
    first, second = chunk(b"data", DATA[:4002]), chunk(b"data", DATA[4004:])
    path = write_wav(tmp_path / "a.wav", fmt(channels=2), first, second)
    left = np.concatenate([FLOATS[:2000:2], FLOATS[2002::2]])
    np.testing.assert_array_equal(read_clip(path), left)


def test_an_odd_wav_of_another_codec_is_decoded_too(tmp_path: Path) -> None:
    coded = np.arange(1000, dtype=np.uint8).tobytes()
    right = write_wav(tmp_path / "a.wav", fmt(8, kind=7), chunk(b"data", coded))
    odd = write_wav(tmp_path / "b.wav", chunk(b"data", coded), fmt(8, kind=7))
    np.testing.assert_array_equal(read_clip(odd), read_clip(right))


def test_big_endian_and_broadcast_files_are_walked(tmp_path: Path) -> None:
    head = struct.pack(">HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    data = b"data" + struct.pack(">I", 0) + SOUND.byteswap().tobytes()
    body = b"WAVEfmt " + struct.pack(">I", 16) + head + data
    (tmp_path / "a.wav").write_bytes(b"RIFX" + struct.pack(">I", len(body)) + body)
    np.testing.assert_array_equal(read_clip(tmp_path / "a.wav"), FLOATS)

    ds64 = chunk(b"ds64", struct.pack("<QQQI", 72 + len(DATA), len(DATA), len(SOUND), 0))
    parts = [ds64, fmt(), chunk(b"data", DATA, size=2**32 - 1)]
    path = write_wav(tmp_path / "b.wav", *parts, riff=2**32 - 1, magic=b"BW64")
    np.testing.assert_array_equal(read_clip(path), FLOATS)
    assert walked(path).remarks == ()


def test_more_than_4_gib_behind_a_length_of_32_bits_is_seen(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", fmt(), chunk(b"data", b"", size=1000), riff=1036)
    with path.open("r+b") as file:  # a hole takes no room
        file.truncate(44 + 1000 + 2**32)
    assert probe(path).frames == (1000 + 2**32) // 2


@pytest.mark.parametrize(
    ("parts", "lacks"), [([fmt()], "no 'data' chunk"), ([chunk(b"data", DATA)], "no 'fmt ' chunk")]
)
def test_what_a_file_lacks_is_named(parts: list[bytes], lacks: str, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", *parts)
    with pytest.raises(ClipError, match=rf"a\.wav: cannot be read as audio \({lacks}"):
        read_clip(path)


def test_an_empty_chunk_of_sound_before_another_chunk_is_no_sound(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO"))
    with pytest.raises(ClipError, match="holds no sound"):
        read_clip(path)
