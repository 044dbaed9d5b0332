"""State what pages and API are told of what is remembered. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rattle.scoring.budget.ledger import IncidentLevel, Level, Verdict
from rattle.station.records import ClipUse, IncidentKind, IncidentState

ReviewVerdict = Literal["anomaly", "normal", "unsure", "undo"]


@dataclass(frozen=True)
class ClipView:
    """A recording that is kept; its file is ``path`` in the data folder.

    speech: seconds of it in which someone speaks; None where that was not looked for. missing: the
    file was not there when it was last looked for. node: the station in whose data folder it is.
    """

    sha256: str
    path: str
    start: datetime
    seconds: float
    sample_rate_hz: int
    speech: float | None
    use: ClipUse
    missing: bool = False
    node: str | None = None


@dataclass(frozen=True)
class IncidentView:
    """An incident with the names of its machine and source; see ``records.IncidentChanged``.

    threshold: the value that it passed. explanation: what differs in its sound, None until it was
    explained. verdict: that of the newest review which stands, with its fault and comment.
    recording_dropped: why a recording of it is not kept, None where all are.
    """

    id: str
    machine_id: str
    machine: str
    source_id: str
    source: str
    subject: str
    kind: IncidentKind
    level: IncidentLevel
    state: IncidentState
    opened: datetime
    ended: datetime | None
    peak: float | None
    peak_at: datetime | None
    release_id: str | None
    threshold_id: str | None
    threshold: float | None
    reason: str
    explanation: Mapping[str, Any] | None
    verdict: Verdict | None
    fault: str | None
    comment: str | None
    recording_dropped: str | None = None
    clips: tuple[ClipView, ...] = ()


@dataclass(frozen=True)
class Neighbour:
    """A past incident, and how far its embedding is from another's (0 is the same)."""

    incident: IncidentView
    distance: float


@dataclass(frozen=True)
class ReviewView:
    """What a person said of an incident; ``undone`` where it was taken back later."""

    id: str
    incident_id: str
    at: datetime
    who: str
    verdict: ReviewVerdict
    fault: str | None
    comment: str | None
    undoes: str | None
    undone: bool


@dataclass(frozen=True)
class ThresholdView:
    """A threshold of a source from ``active_from`` on; see ``records.ThresholdFitted``."""

    id: str
    source_id: str
    release_id: str
    level: Level
    value: float
    expected: float
    upper: float
    margin: float
    peaks: int
    weeks: float
    minutes: int
    reason: str
    active_from: datetime


ReleaseKind = Literal["given", "head", "encoder"]
ReleaseState = Literal["gating", "candidate", "refused", "superseded", "live", "retired"]


@dataclass(frozen=True)
class ReleaseView:
    """A bundle that is in use for a machine, was, or is offered; see ``tables.ReleaseRow``."""

    id: str
    machine_id: str
    identity: str
    kind: ReleaseKind
    encoder: str
    parent_id: str | None
    state: ReleaseState
    report: Mapping[str, Any]
    gate: Mapping[str, Any] | None
    learnt: Mapping[str, str] | None
    created: datetime


@dataclass(frozen=True)
class PromotionView:
    """A release was chosen: when, by whom and why."""

    release_id: str
    before_id: str | None
    at: datetime
    who: str
    reason: str
