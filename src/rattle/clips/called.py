"""Call clips as an older bundle does: by the hashes of their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.content import file_hash, is_of_file
from rattle.clips.excerpt import excerpt_hash, recording_of
from rattle.cores import readers
from rattle.errors import ClipError


def called_as(clips: Sequence[Clip], hashes: Collection[str]) -> list[Clip]:
    """Call clips by the hash of their file's bytes where that is among ``hashes``.

    Files are read only where one of the hashes is of that kind. A bundle of schema 6 has no other,
    and one that was adapted from it has some.
    """
    if not any(map(is_of_file, hashes)):
        return list(clips)
    known = {*map(recording_of, hashes)}

    def called(clip: Clip) -> Clip:
        try:
            of_file = file_hash(Path(clip.path))
        except ClipError:  # whoever reads the clip will say so
            return clip
        if of_file not in known:
            return clip
        hash_ = of_file if clip.excerpt is None else excerpt_hash(of_file, clip.excerpt)
        return replace(clip, content_hash=hash_)

    with ThreadPoolExecutor(max_workers=readers()) as pool:
        return list(pool.map(called, clips))
