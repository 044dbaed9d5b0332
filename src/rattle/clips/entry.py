"""What a file's folder and name, or a CSV row, say about a clip before the file is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rattle.clips.clip import Clip
from rattle.clips.content import content_hash
from rattle.clips.machine import Machine
from rattle.clips.reading import probe
from rattle.errors import ClipError


@dataclass(frozen=True)
class LayoutEntry:
    """A clip as its folder and name or a CSV row tell of it; fields as the manifest's columns.

    ``place`` is the folder, or the CSV file, that says so; ``collection`` tells data sets apart
    that lie side by side and may call different machines by the same name.
    """

    path: Path
    source_set: str
    machine: Machine
    split: str
    label: str
    domain: str = ""
    attributes: str = ""
    place: Path = Path()
    collection: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not part of a manifest, and why."""

    path: Path
    reason: str


def open_clip(entry: LayoutEntry, *, hashed: bool = True) -> Clip | LeftOut:
    """Open an entry's file as a clip, or say why it is none: unreadable, or without sound."""
    try:
        info = probe(entry.path)
        hash_ = content_hash(entry.path) if hashed else ""
    except ClipError as error:
        return LeftOut(entry.path, str(error))
    if not info.frames:
        return LeftOut(entry.path, f"{entry.path}: the file holds no sound")
    return Clip(
        path=str(entry.path),
        source_set=entry.source_set,
        machine_type=entry.machine.type,
        machine_id=entry.machine.id,
        split=entry.split,
        label=entry.label,
        domain=entry.domain,
        attributes=entry.attributes,
        channels=info.channels,
        sample_rate_hz=info.sample_rate_hz,
        frames=info.frames,
        content_hash=hash_,
    )
