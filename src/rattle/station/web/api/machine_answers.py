"""State what the API says of machines."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from rattle.scoring.budget.ledger import Level
from rattle.scoring.budget.stages import Stage
from rattle.station.board import SourceState
from rattle.station.records import Operating
from rattle.station.web.api.answer import Answer, Number


class Source(Answer):
    """A stream of sound at this moment."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name in plant.toml.")
    kind: str = Field(description="device, url, folder or push.")
    place: str = Field(description="Where the sound comes from, without a password.")
    state: SourceState = Field(description="How it is; unfit is heard, but not fit to be scored.")
    reason: str = Field(description="Why it is so, in words.")
    since: datetime | None = Field(description="When it came to be so.")
    heard_at: datetime | None = Field(description="End of the last sound.")
    operating: Operating = Field(description="Whether it hears its machine run.")
    score: Number = Field(description="Score of the last window; null where it was not scored.")
    y: Number = Field(description="K-th largest of the last N scores: what thresholds are for.")
    level_db: Number = Field(description="Level, dBFS.")
    lag_s: float = Field(description="Seconds that the last window waited to be scored.")
    dropped_s: float = Field(description="Seconds of sound that were dropped since the start.")
    connections: int = Field(description="How often it was connected since the start.")
    stage: Stage = Field(description="How far learning has come.")
    minutes: int = Field(description="Minutes of scored sound heard by the release in use.")
    alarm: Number = Field(description="Threshold of an alarm; null while learning.")
    watch: Number = Field(description="Threshold of a watch; null while learning.")
    expected: Number = Field(
        description="False alarms a week that are expected of it; its machine's are the sum."
    )
    upper: Number = Field(description="Their upper bound, 95 %.")


class FalseIncidents(Answer):
    """Incidents that were not found to be a fault, reviewed or not."""

    week: int = Field(description="In the last 7 days.")
    four_weeks: int = Field(description="In the last 28 days.")


class Machine(Answer):
    """A machine at this moment."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name in plant.toml.")
    budget_per_week: float = Field(description="False alarms a week that are accepted.")
    running: str = Field(description="How it is known that it runs: always, by level, by tag.")
    operating: Operating = Field(description="Whether it runs.")
    stage: Stage = Field(description="That of the source which was heard least.")
    level: Level | None = Field(description="Of its open incident.")
    incident_id: str | None = Field(description="Its open incident.")
    release_id: str = Field(description="The release in use.")
    station: str = Field(description='The other station that listens to it; "" where it is this.')
    address: str = Field(description="Where that station has its page.")
    false_alarms: FalseIncidents = Field(description="Alarms that were no fault.")
    false_watches: FalseIncidents = Field(description="Watches that were no fault.")
    sources: list[Source] = Field(description="Its streams of sound.")


class Machines(Answer):
    """All machines."""

    machines: list[Machine] = Field(description="In the order of plant.toml.")


class Timeline(Answer):
    """What a source heard, in stretches of equal length; null where nothing was."""

    source_id: str = Field(description="Whose it is.")
    step_s: int = Field(description="Length of a stretch, seconds.")
    at: list[float] = Field(description="When each begins, seconds since 1970.")
    highest: list[Number] = Field(
        description="Highest Y: of minutes, or below two hours of windows."
    )
    lowest: list[Number] = Field(description="Lowest of these.")
    level_db: list[Number] = Field(description="Mean level, dBFS.")
    running: list[Number] = Field(description="Share of the time in which the machine ran.")
    lost: list[Number] = Field(description="Share of the time without sound.")
    fitness: list[str] = Field(description='What was wrong with the sound, or "".')
    operating: list[Operating] = Field(description="Running where it ran at all.")


class Threshold(Answer):
    """A threshold of a source from a time on."""

    id: str = Field(description="Its id.")
    source_id: str = Field(description="Whose it is.")
    release_id: str = Field(description="The release whose scores it is for.")
    level: Level = Field(description="Of an alarm or a watch.")
    value: float = Field(description="An incident is Y above it.")
    expected: float = Field(description="False incidents a week that are expected.")
    upper: float = Field(description="Their upper bound, 95 %.")
    margin: float = Field(description="What it is higher by because little was heard.")
    peaks: int = Field(description="How many peaks it was fitted to.")
    weeks: float = Field(description="Weeks of running that it was fitted to.")
    minutes: int = Field(description="Minutes of scored sound heard when it was fitted.")
    reason: str = Field(description="Why it was fitted.")
    active_from: datetime = Field(description="From when on it holds.")


class Thresholds(Answer):
    """The thresholds of a source in a span of time."""

    source_id: str = Field(description="Whose they are.")
    thresholds: list[Threshold] = Field(
        description="The oldest first; the first of each level held when the span begins."
    )
