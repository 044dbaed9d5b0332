"""State what an ear tells the scribe. Times are UTC, ids ULIDs; both are made where sound is heard.

A record can be written twice and leaves what it leaves when it is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.ledger import IncidentLevel, Level

Operating = Literal["running", "idle", "off", "unknown"]
IncidentKind = Literal["machine", "microphone", "source", "drift"]
IncidentState = Literal["open", "ended", "interrupted"]
ClipUse = Literal["incident", "moment"]


@dataclass(frozen=True)
class MinuteHeard:
    """What is kept of a source's minute by the clock.

    at: when it began, a whole minute. scores: of its windows ``[n]``, in time order; NaN where one
    was not scored. highest: the highest Y; None where none was scored. minutes: M of the minutes of
    scored sound that ended in it (``scoring.budget``), mostly one. heard: how many of these there
    were up to here. level_db: the mean level, dBFS. running_s, lost_s: seconds of it in which the
    machine ran, and in which there was no sound. fitness: what was wrong with the sound, or "".
    """

    source_id: str
    release_id: str
    at: datetime
    scores: NDArray[np.float32]
    highest: float | None
    minutes: tuple[float, ...]
    heard: int
    level_db: float | None
    running_s: float
    lost_s: float
    operating: Operating
    fitness: str


@dataclass(frozen=True)
class Embeddings:
    """What the encoder made of a source's windows: ``z [n, D]``, float16, each with its end.

    ends: UTC, in seconds since 1970 ``[n]``. encoder: the hash of the graph that made them.
    """

    source_id: str
    encoder: str
    ends: NDArray[np.float64]
    z: NDArray[np.float16]


@dataclass(frozen=True)
class IncidentChanged:
    """An incident as it is now: new, higher, or ended.

    source_id is the one that it began at. subject is what it is about, so that there is one open
    incident of a kind and subject: a machine for kind "machine", else a source. level is the
    highest that was reached; a moment, which passed no threshold, has ended when it is told. peak
    is the highest Y, peak_z ``[D]`` the embedding where it was. reason says in words what is wrong
    with a microphone or source, or how far a sound has drifted.
    """

    id: str
    machine_id: str
    source_id: str
    subject: str
    kind: IncidentKind
    level: IncidentLevel
    state: IncidentState
    opened: datetime
    ended: datetime | None
    peak: float | None
    peak_at: datetime | None
    peak_z: NDArray[np.float16] | None
    release_id: str | None
    threshold_id: str | None
    reason: str


@dataclass(frozen=True)
class StretchChanged:
    """A run of minutes above one level, as the budget counts them (``scoring.budget.ledger``).

    first, last: minutes of scored sound, by number. It is the ledger's incident; an incident of the
    station holds one or more of them.
    """

    incident_id: str
    source_id: str
    release_id: str
    level: IncidentLevel
    first: int
    last: int
    peak: float
    threshold: float


@dataclass(frozen=True)
class ThresholdFitted:
    """A threshold of a source from ``active_from`` on, with what is known of it.

    expected, upper: incidents a week. margin: what it is higher by for ignorance. minutes: of
    scored sound that it was fitted after. reason: why it was fitted, in words.
    """

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


@dataclass(frozen=True)
class ClipHeard:
    """A recording to keep: ``samples [T, channels]`` from ``start`` on, +-1.

    Speech in it is looked for by the one who keeps it. peak is its highest Y.
    """

    source_id: str
    incident_id: str | None
    use: ClipUse
    start: datetime
    sample_rate_hz: int
    samples: NDArray[np.float32]
    peak: float | None


@dataclass(frozen=True)
class NormalHeard:
    """Normal sound to keep: ``samples [T, channels]`` from ``start`` on, +-1, mostly ten seconds.

    The machine ran, the microphone was fit, and nothing stood out in it or around it.
    """

    source_id: str
    start: datetime
    sample_rate_hz: int
    samples: NDArray[np.float32]


def as_float16(z: NDArray[np.float32]) -> NDArray[np.float16]:
    """Round an embedding to what is kept of it; what is too large for that becomes the largest."""
    limit = np.finfo(np.float16).max
    return np.clip(z, -limit, limit).astype(np.float16)


Record = (
    MinuteHeard
    | Embeddings
    | IncidentChanged
    | StretchChanged
    | ThresholdFitted
    | ClipHeard
    | NormalHeard
)
