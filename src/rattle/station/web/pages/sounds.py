"""Show a recording: its sound, its spectrogram, and where in it the incident begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rattle.station.amounts_said import score_said
from rattle.station.store.reading.views import ClipView, Neighbour
from rattle.station.web.pages.kept_at import found_here


@dataclass(frozen=True)
class Sound:
    """A recording as the page plays it.

    begins_s: seconds into it at which the incident begins; None where it began before or after.
    percent: the same, of its length.
    """

    sha256: str
    start: datetime
    seconds: float
    label: str
    begins_s: float | None = None

    @property
    def percent(self) -> float | None:
        return None if self.begins_s is None else round(100 * self.begins_s / self.seconds, 2)


def sounds(clips: Sequence[ClipView], opened: datetime, label: str) -> list[Sound]:
    """Show recordings of an incident that began at ``opened``, where their files are there."""
    return [_sound(clip, opened, label) for clip in clips if not clip.missing]


@dataclass(frozen=True)
class Alike:
    """A past incident that sounded alike, and its recording where one is kept."""

    neighbour: Neighbour
    distance: str
    sound: Sound | None


def alike(neighbours: Sequence[Neighbour], data: Path) -> list[Alike]:
    """Show past incidents, the nearest sound first; ``data`` is where recordings are."""
    shown = []
    for each in neighbours:
        past = each.incident
        label = f"{past.machine}, a past incident"
        found = sounds(found_here(past.clips, data), past.opened, label)
        shown.append(Alike(each, score_said(each.distance), found[0] if found else None))
    return shown


def _sound(clip: ClipView, opened: datetime, label: str) -> Sound:
    offset_s = (opened - clip.start).total_seconds()
    inside = 0 < offset_s < clip.seconds
    return Sound(clip.sha256, clip.start, clip.seconds, label, offset_s if inside else None)
