"""State what is written to the database: what ears tell, and what became of their recordings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rattle.station.records import (
    ClipUse,
    IncidentChanged,
    MinuteHeard,
    StretchChanged,
    ThresholdFitted,
)


@dataclass(frozen=True)
class ClipKept:
    """A recording that lies in ``path``, as ``tables.ClipRow`` has it."""

    source_id: str
    incident_id: str | None
    use: ClipUse
    start: datetime
    sample_rate_hz: int
    seconds: float
    peak: float | None
    sha256: str
    path: str
    bytes: int
    speech: float | None
    node: str | None = None


@dataclass(frozen=True)
class ClipDropped:
    """A recording of an incident that was not kept, and why, in words."""

    incident_id: str
    reason: str


@dataclass(frozen=True)
class SourcesLeft:
    """Sources that a station listens to no more: all that it heard of them was told before."""

    node: str
    source_ids: tuple[str, ...]


Written = (
    MinuteHeard
    | IncidentChanged
    | StretchChanged
    | ThresholdFitted
    | ClipKept
    | ClipDropped
    | SourcesLeft
)
