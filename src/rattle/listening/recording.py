"""Hear a recording block by block: one of a day takes no more memory than one of a minute."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rattle.clips.reading import as_float, open_sound, sound_blocks
from rattle.errors import ClipError
from rattle.listening.source import Block

_log = logging.getLogger(__name__)


def recording_blocks(path: Path) -> Iterator[Block]:
    """Yield its sound, all channels at its own rate.

    What was read otherwise than its header says is logged as a warning. Raises ``ClipError`` where
    it cannot be read, and at its end where it holds less than its header promises.
    """
    with open_sound(path) as sound:
        frames = 0
        for block in sound_blocks(sound):
            frames += len(block)
            yield Block(np.ascontiguousarray(as_float(block)), sound.samplerate)
        missing = sound.shortfall(frames)
        if sound.remark:
            _log.warning("%s: %s", path, sound.remark)
    if missing:
        raise ClipError(f"{path}: {missing}; copy the recording again or leave it out")
