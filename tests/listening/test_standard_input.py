"""Standard input: samples, and nothing else taken for them."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

from rattle import SourceError
from rattle.listening.pcm import Pcm
from rattle.listening.standard_input import StandardInput

PCM = Pcm("s16le", 16000, 1)


def reading(data: bytes) -> StandardInput:
    return StandardInput(io.BufferedReader(io.BytesIO(data)), PCM)  # type: ignore[arg-type]


def test_samples_are_read_from_the_first() -> None:
    values = np.arange(1, 5000, dtype="<i2")
    blocks = list(reading(values.tobytes()).connect().blocks())
    found = np.concatenate([block.samples for block in blocks])
    np.testing.assert_array_equal(found[:, 0] * 32768, values)


@pytest.mark.parametrize(
    ("begin", "kind"), [(b"RIFF\0\0\0\0WAVE", "WAV"), (b"fLaC\0\0\0\x22", "FLAC"), (b"ID3", "MP3")]
)
def test_a_file_with_a_header_is_not_taken_for_samples(begin: bytes, kind: str) -> None:
    with pytest.raises(SourceError, match=f"holds a {kind} file, expected samples without"):
        list(reading(begin + bytes(100)).connect().blocks())


def test_a_terminal_is_not_read() -> None:
    master, slave = os.openpty()
    with (
        os.fdopen(master, "rb"),
        os.fdopen(slave, "rb") as terminal,
        pytest.raises(SourceError, match="standard input is a terminal"),
    ):
        list(StandardInput(terminal, PCM).blocks())
