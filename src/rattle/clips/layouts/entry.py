"""What a file's folder and name, or a CSV row, say about a clip before the file is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rattle.clips.machine import Machine


@dataclass(frozen=True)
class LayoutEntry:
    """A clip as its folder and name or a CSV row tell of it; fields as the manifest's columns."""

    path: Path
    source_set: str
    machine: Machine
    split: str
    label: str
    domain: str = ""
    attributes: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not part of a manifest, and why."""

    path: Path
    reason: str
