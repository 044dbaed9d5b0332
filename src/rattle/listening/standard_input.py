"""Read raw PCM from standard input."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rattle.errors import SourceError
from rattle.listening.pcm import Pcm
from rattle.listening.source import Block

# What a file of a format with a header begins with: played as samples it would be noise.
HEADERS = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg", b"FORM": "AIFF", b"ID3": "MP3"}


class StandardInput:
    """Samples that another program writes; a pipe waits, so nothing is dropped."""

    name = "standard input"
    live = False

    def __init__(self, stream: io.BufferedReader, pcm: Pcm) -> None:
        self._stream, self._pcm = stream, pcm

    def connect(self) -> StandardInput:
        """Give itself: there is one standard input."""
        return self

    def blocks(self) -> Iterator[Block]:
        """Yield the samples; ``SourceError`` where nobody writes any, or a file with a header."""
        if self._stream.isatty():
            raise SourceError(
                "standard input is a terminal; pipe samples into it, such as those of "
                "ffmpeg -i FILE -f s16le -ac 1 -ar RATE -",
                argument="piped",
            )
        begin = self._stream.peek(4)[:4]
        for header, kind in HEADERS.items():
            if begin.startswith(header):
                raise SourceError(
                    f"standard input holds a {kind} file, expected samples without a header; "
                    "score the file by its name, or decode it first: ffmpeg -i - -f s16le -"
                )
        return self._pcm.blocks(self._stream)

    def close(self) -> None:
        """Do nothing: the stream stays open for whoever opened it."""
