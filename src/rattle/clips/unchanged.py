"""Tell which clips of a manifest are still where it says, unchanged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from rattle.clips.clip import Clip
from rattle.clips.content import content_hash_like
from rattle.clips.manifest import Manifest
from rattle.cores import readers
from rattle.errors import ClipError


def unchanged(clips: Manifest) -> Manifest:
    """Select the clips whose file is still there, with the content that the manifest states.

    Every file is read to its end: a changed clip must not pass for the one that was learnt from.
    """
    with ThreadPoolExecutor(max_workers=readers()) as pool:
        same = list(pool.map(_is_unchanged, clips))
    return Manifest(clips.table.filter(pl.Series(same, dtype=pl.Boolean)))


def _is_unchanged(clip: Clip) -> bool:
    path = Path(clip.path)
    try:
        # A device or a pipe may have no end.
        return path.is_file() and clip.content_hash == content_hash_like(path, clip.content_hash)
    except (OSError, ClipError):  # OSError: a name that is too long, a folder that is barred
        return False
