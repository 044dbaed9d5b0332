"""Check the sources of sound that a plant's file names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from rattle.clips.ffmpeg import INSTALL, program_path
from rattle.errors import SourceError
from rattle.listening.sound_card import SoundCard, load_portaudio
from rattle.station.config.finding import Finding
from rattle.station.config.model import Plant, Source

# What ffmpeg reads over a network, and those of it that may wait at a port of this computer.
SCHEMES = (
    *("ftp", "http", "https", "mmsh", "mmst", "rist", "rtmp", "rtmpe", "rtmps", "rtmpt", "rtp"),
    *("rtsp", "rtsps", "sftp", "smb", "srt", "srtp", "tcp", "tls", "udp"),
)
WAITING = ("rist", "rtp", "srt", "srtp", "tcp", "tls", "udp")

Channel = int | Literal["mean"]


def source_findings(plant: Plant, channels: Mapping[str, Channel]) -> Iterator[Finding]:
    """Yield what is wrong with each source; ``channels`` is what each machine's bundle hears."""
    yield from _ffmpeg_findings(plant)
    first_with: dict[tuple[str, str], str] = {}
    for at, machine in enumerate(plant.machine):
        for place, source in enumerate(machine.sources):
            key = f"machine[{at}].sources[{place}].{source.kind}"
            yield from _twice(source, key, first_with)
            if source.url is not None:
                yield from _url_findings(source.url.get_secret_value(), key)
            if source.folder is not None:
                yield from _folder_findings(source.folder, key)
            if source.device is not None:
                yield from _device_findings(source.device, channels[machine.name], key)


def _ffmpeg_findings(plant: Plant) -> Iterator[Finding]:
    """Say once that ffmpeg is missing, at the first source that takes it."""
    keys = (
        f"machine[{at}].sources[{place}].url"
        for at, machine in enumerate(plant.machine)
        for place, source in enumerate(machine.sources)
        if source.url is not None
    )
    first = next(keys, None)
    if first is not None and program_path() is None:
        yield Finding("error", first, f"ffmpeg, which reads URLs, is not installed; {INSTALL}")


def _twice(source: Source, key: str, first_with: dict[tuple[str, str], str]) -> Iterator[Finding]:
    if source.url is not None:
        what = source.url.get_secret_value()
    elif source.folder is not None:
        what = str(source.folder.resolve())
    elif source.device is not None:
        what = source.device
    else:
        return
    first = first_with.setdefault((source.kind, what), key)
    if first != key:
        yield Finding(
            "warning", key, f"is the same as {first}; check that both machines are heard there"
        )


def _url_findings(url: str, key: str) -> Iterator[Finding]:
    # The file is not named: what has no scheme may still hold a password.
    begins = "a URL begins with rtsp://, http:// or so"
    is_file = "://" not in url or url.startswith("file://")
    if url.startswith("-"):
        yield Finding("error", key, f"begins with a dash; {begins}")
    elif is_file and not Path(url.removeprefix("file://")).is_file():
        yield Finding("error", key, f"there is no such file; {begins}")
    elif not is_file:
        yield from _address_findings(url, key)


def _address_findings(url: str, key: str) -> Iterator[Finding]:
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        yield Finding(
            "error",
            key,
            f"does not begin with what ffmpeg knows: {known}; a file is given by its path, or as "
            "file:///PATH",
        )
    elif not host or (host.startswith(":") and scheme not in WAITING):
        yield Finding("error", key, f"names no host; expected {scheme}://HOST/PATH")


def _folder_findings(folder: Path, key: str) -> Iterator[Finding]:
    if not folder.exists():
        yield Finding("error", key, f"there is no folder {folder}; make it, or give another")
    elif not folder.is_dir():
        yield Finding("error", key, f"{folder} is a file; give the folder that recordings come to")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield Finding("error", key, f"{folder} cannot be read; let this user read it")


def _device_findings(device: str, channel: Channel, key: str) -> Iterator[Finding]:
    try:
        load_portaudio()
    except SourceError as error:
        # What follows in its message is of programs that read standard input.
        reason = str(error).partition("; install it")[0]
        yield Finding("error", key, f"{reason}; install PortAudio (apt install libportaudio2)")
        return
    try:
        SoundCard(device or None, channel)
    except SourceError as error:
        yield Finding("error", key, str(error))
