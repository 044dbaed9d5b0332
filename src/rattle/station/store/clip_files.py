"""Keep recordings as FLAC, named by what is heard in them: ``clips/3f/3f0c....flac``.

The name is the content hash that manifests and bundles know clips by (``clips.content``), so one
sound is one file however often it is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

from rattle.atomic import writing
from rattle.clips.content import OF_SOUND, ContentHash
from rattle.station.records import ClipHeard
from rattle.station.store.flac import SUFFIX, Rounded, rounded
from rattle.station.store.rows import ClipKept

FOLDER = "clips"


def keep_clip(folder: Path, clip: ClipHeard, *, speech: float | None) -> ClipKept:
    """Write a recording below the data ``folder``, whole or not at all; gives its row.

    As ``flac`` rounds it. Raises ``StorageError`` where it cannot be written, ``ClipError`` where
    it cannot be rounded.
    """
    sound = rounded(clip.samples)
    content = ContentHash(clip.sample_rate_hz, sound.floats.shape[1])
    content.push(sound.floats)
    sha256 = content.value().removeprefix(OF_SOUND)
    path = path_of(sha256)
    size = _write(sound, folder / path, clip.sample_rate_hz)
    return ClipKept(
        source_id=clip.source_id,
        incident_id=clip.incident_id,
        use=clip.use,
        start=clip.start,
        sample_rate_hz=clip.sample_rate_hz,
        seconds=len(sound.floats) / clip.sample_rate_hz,
        peak=clip.peak,
        sha256=sha256,
        path=path.as_posix(),
        bytes=size,
        speech=speech,
    )


def path_of(sha256: str) -> Path:
    """Where a recording lies in the data folder."""
    return Path(FOLDER) / sha256[:2] / f"{sha256}{SUFFIX}"


def _write(sound: Rounded, path: Path, rate_hz: int) -> int:
    with writing(path):
        if path.exists():
            os.utime(path)  # retention takes files that no row names, but no new ones
            return path.stat().st_size
    return sound.write(path, rate_hz)
