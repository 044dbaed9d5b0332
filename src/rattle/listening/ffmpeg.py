"""Read what ffmpeg reads: files, RTSP cameras, HTTP streams."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from rattle.clips.ffmpeg import INSTALL, QUIET, program_path, running
from rattle.errors import SourceError
from rattle.listening.address import masked, secrets_in, without_secrets
from rattle.listening.complaints import error_of
from rattle.listening.pcm import pcm_of_wav
from rattle.listening.source import Block

# Of what it says when it ends, these hold the cause.
LAST_LINES = 8


class Ffmpeg:
    """Sound that ffmpeg decodes, at the source's own rate and channels.

    A URL with a scheme other than ``file`` is live. Raises ``SourceError`` for what ffmpeg would
    take for an option, for a file that is not there, and where ffmpeg is missing.
    """

    def __init__(self, url: str, *, at_own_speed: bool = False) -> None:
        """``at_own_speed`` reads a file as slowly as it sounds, in place of as fast as it can."""
        if url.startswith("-"):
            raise SourceError(f"{url} begins with a dash and would be an option; give ./{url}")
        self.live = is_live(url)
        if not self.live and not Path(url.removeprefix("file://")).is_file():
            raise SourceError(
                f"there is no file {without_secrets(url)}; a URL begins with rtsp://, http:// or so"
            )
        self.name = without_secrets(url)
        self._url = url
        self._command = ffmpeg_command(url, at_own_speed=at_own_speed and not self.live)

    def connect(self) -> Decoding:
        return Decoding(self._command, self._redact, self.name)

    def _redact(self, said: str) -> str:
        return masked(said.replace(self._url, self.name), secrets_in(self._url))


class Decoding:
    """A process that writes WAV; ``redact`` takes secrets out of what it complains of."""

    def __init__(self, command: list[str], redact: Callable[[str], str], name: str) -> None:
        self._command, self._redact, self._name = command, redact, name
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def blocks(self) -> Iterator[Block]:
        """Yield its sound; where it fails, the error that ``error_of`` its complaints."""
        said: deque[str] = deque(maxlen=LAST_LINES)
        with running(self._command, said) as process:
            self._process = process
            if self._closed:  # while it was started
                process.kill()
            assert process.stdout is not None  # noqa: S101
            pcm = pcm_of_wav(process.stdout)
            if pcm is not None:
                yield from pcm.blocks(process.stdout)
        if process.returncode and not self._closed:
            raise error_of(self._name, [*map(self._redact, said)], process.returncode)

    def close(self) -> None:
        self._closed = True
        if self._process is not None:
            self._process.kill()


def ffmpeg_command(url: str, *, at_own_speed: bool = False) -> list[str]:
    """Write ffmpeg's command line: the first audio track as WAV in floats, whatever it was."""
    program = program_path()
    if program is None:
        raise SourceError(
            f"ffmpeg, which reads files and URLs, is not installed; {INSTALL}, or let another "
            "program write samples to standard input",
            argument="piped",
        )
    # Over UDP, ffmpeg's default, a lost packet is a click in the sound.
    transport = ["-rtsp_transport", "tcp"] if url.startswith("rtsp://") else []
    speed = ["-re"] if at_own_speed else []
    # WAV states rate and channels, which raw samples would not. Floats hold any file's samples.
    wav = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-bitexact", "-flush_packets", "1", "-f", "wav"]
    return [program, *QUIET, *transport, *speed, "-i", url, *wav, "pipe:1"]


def is_live(url: str) -> bool:
    """Whether it is a stream; else it is a file, which ends.

    >>> is_live("rtsp://camera/1"), is_live("clip.wav"), is_live("file:///clip.wav")
    (True, False, False)
    """
    return "://" in url and not url.startswith("file://")
