"""State what the API says of incidents and of what people said of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from rattle.scoring.budget.ledger import IncidentLevel, Verdict
from rattle.station.records import ClipUse, IncidentKind, IncidentState
from rattle.station.store.reading.views import ReviewVerdict
from rattle.station.web.api.answer import Answer, Number


class Clip(Answer):
    """A recording that is kept, at /clips/SHA256.flac."""

    sha256: str = Field(description="Its name: the hash of its sound.")
    start: datetime = Field(description="When it begins.")
    seconds: float = Field(description="Its length.")
    sample_rate_hz: int = Field(description="Samples a second.")
    speech: float | None = Field(description="Seconds in which someone speaks, where looked for.")
    use: ClipUse = Field(description="Of an incident, or a moment of learning.")
    missing: bool = Field(description="Whether its file was not there when last looked for.")


class Incident(Answer):
    """A stretch in which a machine sounded anomalous, or a microphone or source was at fault."""

    id: str = Field(description="Its id; ids sort by time.")
    machine_id: str = Field(description="Whose it is.")
    machine: str = Field(description="The machine's name.")
    source_id: str = Field(description="Where it began.")
    source: str = Field(description="The source's name.")
    kind: IncidentKind = Field(description="What it is about; only machine is an anomaly.")
    level: IncidentLevel = Field(
        description="The highest that was reached; a moment raised nothing: it was only odd."
    )
    state: IncidentState = Field(description="Interrupted where the station stopped meanwhile.")
    opened: datetime = Field(description="When it began.")
    ended: datetime | None = Field(description="When it ended.")
    peak: Number = Field(description="Highest Y.")
    peak_at: datetime | None = Field(description="When that was.")
    threshold: float | None = Field(description="What it passed.")
    threshold_id: str | None = Field(description="That threshold.")
    release_id: str | None = Field(description="The release that scored it.")
    reason: str = Field(description="What is wrong with a microphone or source.")
    verdict: Verdict | None = Field(description="Of the newest review that stands.")
    fault: str | None = Field(description="What that review calls it.")
    comment: str | None = Field(description="What it says besides.")
    recording_dropped: str | None = Field(description="Why a recording of it is not kept.")
    clips: list[Clip] = Field(description="Its recordings, the first first.")


class Incidents(Answer):
    """Incidents, the newest first."""

    incidents: list[Incident] = Field(description="A page of them.")
    before: str | None = Field(description="Ask with this for the next page; null on the last one.")


class Review(Answer):
    """What a person said of an incident."""

    id: str = Field(description="Its id.")
    incident_id: str = Field(description="Of what.")
    at: datetime = Field(description="When it was said.")
    who: str = Field(description="By whom.")
    verdict: ReviewVerdict = Field(description="What; undo takes another one back.")
    fault: str | None = Field(description="What the fault is called.")
    comment: str | None = Field(description="What was said besides.")
    undoes: str | None = Field(description="The review that it takes back.")
    undone: bool = Field(description="Whether it was taken back.")


class Neighbour(Answer):
    """A past incident that sounded alike."""

    incident: Incident = Field(description="That incident.")
    distance: float = Field(description="How far its embedding is; 0 is the same.")


class IncidentInFull(Incident):
    """An incident with all that is known of it."""

    explanation: dict[str, Any] | None = Field(
        description="What differs in its sound from the healthy sound; null until explained."
    )
    nearest: list[Neighbour] = Field(description="The nearest past sounds, the nearest first.")
    reviews: list[Review] = Field(description="What people said of it, the newest first.")
