"""List the recordings that someone names and labels: what adaptation learns from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.entry import LayoutEntry, LeftOut, open_clip
from rattle.clips.files import audio_files
from rattle.clips.machine import Machine
from rattle.errors import ClipError, DataError


def labelled_clips(paths: Iterable[Path], machine: Machine, label: str) -> list[Clip]:
    """List recordings, and those below folders, as training clips of one machine and label.

    A content that occurs twice counts once. Raises ``ClipError`` for a file that cannot be opened
    or holds no sound, and ``DataError`` for a folder without recordings.
    """
    by_content: dict[str, Clip] = {}
    for path in paths:
        files = list(audio_files([path]))
        if not files:
            raise DataError(f"{path} holds no recording; give recordings or folders of them")
        for file in files:
            clip = open_clip(LayoutEntry(file.resolve(), "site", machine, "train", label))
            if isinstance(clip, LeftOut):
                raise ClipError(clip.reason)
            by_content.setdefault(clip.content_hash, clip)
    return sorted(by_content.values(), key=lambda clip: clip.path)
