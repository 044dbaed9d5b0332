"""Tell whether two files hold the same sound: the one way of deciding it.

A clip is known by the hash of its decoded sound, so that a WAV and its FLAC are one clip, 16 and 24
bits of the same samples too, and what a header says beside the sound changes nothing. What cannot
be decoded to its end is known by the file's bytes, as were all clips until bundle schema 6.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from rattle.clips.reading import (
    as_float,
    check_is_file,
    holds_samples,
    open_sound,
    sound_blocks,
)
from rattle.clips.sound import Block
from rattle.errors import ClipError

# A hash that does not begin so is that of a file's bytes.
OF_SOUND = "sound-"


class ContentHash:
    """The hash of a sound, block by block: of its rate and its samples, full scale at +-1.

    Channels that are all the same count as one.
    """

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._first = hashlib.sha256(f"{sample_rate_hz} 1 ".encode())
        self._all = hashlib.sha256(f"{sample_rate_hz} {channels} ".encode())
        self._is_one = True
        self._channels = channels

    def push(self, block: Block) -> None:
        """Add samples ``[frames, channels]`` as they were decoded."""
        # 0 is added so that -0 is the same sound.
        samples = as_float(block) + np.float32(0)
        if self._is_one:
            self._first.update(samples[:, 0].tobytes())
        if self._channels > 1:
            self._all.update(samples.tobytes())
            self._is_one &= bool((samples == samples[:, :1]).all())

    def value(self) -> str:
        """Give the hash of what was added: SHA-256, hexadecimal, marked as that of a sound."""
        return OF_SOUND + (self._first if self._is_one else self._all).hexdigest()


def content_hash(path: Path) -> str:
    """Compute what a clip is known by; ``ClipError`` where the file cannot be read.

    The hash of its sound, or ``file_hash`` where that is cut short or holds what is no sample.
    """
    with open_sound(path) as sound:
        of_sound, frames = ContentHash(sound.samplerate, sound.channels), 0
        for block in sound_blocks(sound):
            if not holds_samples(block):
                return file_hash(path)
            of_sound.push(block)
            frames += len(block)
        is_whole = frames > 0 and not sound.shortfall(frames)
    return of_sound.value() if is_whole else file_hash(path)


def file_hash(path: Path) -> str:
    """Compute SHA-256 of the file's bytes, hexadecimal; ``ClipError`` if it cannot be read."""
    check_is_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror})") from error


def is_of_file(hash_: str) -> bool:
    """Tell whether a clip's hash is that of its file's bytes."""
    return not hash_.startswith(OF_SOUND)


def content_hash_like(path: Path, known: str) -> str:
    """Compute a file's hash of the kind that ``known`` is; ``ClipError`` if it cannot be read."""
    return file_hash(path) if is_of_file(known) else content_hash(path)
