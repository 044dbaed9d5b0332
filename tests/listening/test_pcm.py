"""Raw samples and the WAV header."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.listening.pcm import Encoding, Pcm, pcm_of_wav


class Trickle(io.RawIOBase):
    """Bytes that come in pieces of any size."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._pieces:
            return 0
        piece, self._pieces[0] = self._pieces[0][: len(buffer)], self._pieces[0][len(buffer) :]
        if not self._pieces[0]:
            self._pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


@given(
    encoding=st.sampled_from(["s16le", "f32le"]),
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
)
def test_samples_come_out_whole_however_the_bytes_come_in(
    encoding: Encoding, channels: int, cuts: list[int]
) -> None:
    values = np.arange(-300, 300).reshape(-1, channels)
    data = values.astype("<i2" if encoding == "s16le" else "<f4").tobytes()
    pieces = [bytes(p) for p in np.split(np.frombuffer(data, np.uint8), sorted(cuts))]
    pcm = Pcm(encoding, 1000, channels)
    blocks = list(pcm.blocks(io.BufferedReader(Trickle(pieces))))
    scale = 32768 if encoding == "s16le" else 1
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]) * scale, values)
    assert all(block.seconds <= 0.25 for block in blocks)
    assert all(block.samples.dtype == np.float32 for block in blocks)


def test_full_scale_of_integers_is_one() -> None:
    pcm = Pcm("s16le", 16000, 1)
    assert pcm.decode(struct.pack("<2h", -32768, 16384)).ravel().tolist() == [-1.0, 0.5]


def test_half_a_sample_at_the_end_is_left() -> None:
    (block,) = Pcm("s16le", 16000, 2).blocks(io.BufferedReader(io.BytesIO(bytes(11))))
    assert block.samples.shape == (2, 2)


def wav(*chunks: tuple[bytes, bytes]) -> io.BytesIO:
    parts = [
        struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    ]
    return io.BytesIO(b"RIFF\xff\xff\xff\xffWAVE" + b"".join(parts))


FORMAT = (b"fmt ", struct.pack("<HHIIHH", 3, 2, 48000, 384000, 8, 32))


def test_a_wav_header_tells_rate_and_channels_and_is_passed_over() -> None:
    stream = wav((b"LIST", b"odd length ignored "), FORMAT, (b"data", b"8 octets"))
    assert pcm_of_wav(stream) == Pcm("f32le", 48000, 2)
    assert stream.read() == b"8 octets"


@pytest.mark.parametrize("stream", [io.BytesIO(), io.BytesIO(b"RIFF"), wav(FORMAT)])
def test_a_wav_that_ends_before_its_samples_is_none(stream: io.BytesIO) -> None:
    assert pcm_of_wav(stream) is None
