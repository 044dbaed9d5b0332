"""Ask ffprobe, which comes with ffmpeg, what sound a file holds."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattle.clips.containers import Container
from rattle.clips.ffmpeg import INSTALL, program_path
from rattle.clips.watched import PATIENCE_SECONDS
from rattle.errors import ClipError

# Their headers say how long the sound is. Of others ffprobe guesses by the first seconds.
_TIMED = frozenset({"mov", "matroska", "asf", "avi", "caf", "wav", "wv", "ape", "tta"})


@dataclass(frozen=True)
class Track:
    """The first audio track of a file; ``seconds`` by its header, 0 where that does not say."""

    codec: str
    sample_rate_hz: int
    channels: int
    seconds: float


def input_of(path: Path, container: Container) -> list[str]:
    """Write the words by which ffmpeg and ffprobe read this file, as this kind, and nothing else.

    Behind ``file:`` a name is a name, whatever it begins with. What a file refers to is not read:
    no other kind of file is tried, and no network.
    """
    only = ["-protocol_whitelist", "file,pipe", "-f", container.demuxer]
    return [*only, "-i", f"file:{path.absolute()}"]


def first_track(path: Path, container: Container) -> Track:
    """Read what the header of a file says of its sound.

    Raises ``ClipError`` where ffmpeg is not installed, where the file holds no sound or cannot be
    read, and where that takes longer than ``PATIENCE_SECONDS``.
    """
    program = program_path("ffprobe")
    if program is None or program_path() is None:
        raise ClipError(
            f"{path}: {container.name} files are read by ffmpeg with ffprobe, which is not "
            f"installed; {INSTALL}, or convert the recording to WAV or FLAC"
        )
    entries = "stream=codec_name,sample_rate,channels,duration:stream_tags=DURATION:format=duration"
    asked = ["-loglevel", "error", "-select_streams", "a:0", "-show_entries", entries]
    command = [program, *asked, "-of", "json", *input_of(path, container)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ClipError(
            f"{path}: cannot be read as audio (ffprobe did not end within {PATIENCE_SECONDS:g} s); "
            "convert it to WAV or FLAC, or leave it out"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1].rpartition(": ")[2] if said else f"it ended with code {done.returncode}"
        raise ClipError(
            f"{path}: cannot be read as audio (a {container.name} file by its first bytes; "
            f"ffprobe: {reason}); convert it to WAV or FLAC, or leave it out"
        )
    described = json.loads(done.stdout)
    streams = described.get("streams", [])
    if not streams:
        raise ClipError(f"{path}: this {container.name} file holds no audio track; leave it out")
    return _track(streams[0], described.get("format", {}), container)


def _track(stream: dict[str, Any], whole: dict[str, Any], container: Container) -> Track:
    stated = (stream.get("duration"), stream.get("tags", {}).get("DURATION"), whole.get("duration"))
    seconds = next(filter(None, map(_seconds, stated)), 0.0)
    return Track(
        stream.get("codec_name", "unknown"),
        int(stream.get("sample_rate", 0)),
        int(stream.get("channels", 0)),
        seconds if container.demuxer in _TIMED else 0.0,
    )


def _seconds(stated: str | None) -> float:
    """Read ``12.5`` or ``00:00:12.500``; 0 where nothing is stated.

    >>> _seconds("00:01:02.500")
    62.5
    """
    try:
        parts = [float(part) for part in (stated or "").split(":")]
    except ValueError:  # N/A
        return 0.0
    return sum(part * 60.0**place for place, part in enumerate(reversed(parts)))
