"""Say where a recording is that another station put into a data folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from rattle.station.store.reading.stations import station
from rattle.station.store.reading.views import ClipView, IncidentView


@dataclass(frozen=True)
class KeptAt:
    """The station that has it, and its page of the incident."""

    station: str
    href: str


def found_here(clips: Sequence[ClipView], data: Path) -> tuple[ClipView, ...]:
    """Give the recordings, as missing those that are in another station's folder.

    Stations that share a data folder have all of them.
    """
    return tuple(
        replace(clip, missing=clip.missing or not (data / clip.path).is_file())
        if clip.node is not None
        else clip
        for clip in clips
    )


def kept_at(session: Session, incident: IncidentView, data: Path) -> KeptAt | None:
    """Find the station that keeps an incident's recordings; None where this one does, or none."""
    for clip in incident.clips:
        if clip.node is not None and not clip.missing and not (data / clip.path).is_file():
            found = station(session, clip.node)
            if found is not None:
                return KeptAt(found.name, f"{found.address}/incidents/{incident.id}")
    return None
