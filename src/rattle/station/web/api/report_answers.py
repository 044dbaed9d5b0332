"""State how reports of weeks are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from rattle.scoring.budget.ledger import Level, Verdict
from rattle.station.records import IncidentState
from rattle.station.web.api.answer import Answer, Number

WeekName = Annotated[str, BeforeValidator(str)]


class Verdicts(Answer):
    """Incidents of a level that began in the week, by what people say of them."""

    level: Level = Field(description="Their level.")
    total: int = Field(description="All of them.")
    anomaly: int = Field(description="Confirmed as a fault.")
    normal: int = Field(description="Rejected: false.")
    unsure: int = Field(description="Reviewed by someone who was unsure.")
    none: int = Field(description="Not reviewed.")


class Heard(Answer):
    """What was heard, of a source, or added up over several."""

    sound_s: float = Field(description="Seconds with sound.")
    lost_s: float = Field(description="Seconds in which it was listened to and no sound came.")
    off_s: float = Field(description="Seconds in which the station did not listen.")
    running_s: float = Field(description="Seconds in which the machine ran.")
    unfit_s: float = Field(description="Seconds of minutes not fit to be scored.")
    unfit: list[tuple[str, float]] = Field(description="These, by what was wrong.")
    moved_s: float = Field(description="Seconds in which it was asked whether it was moved.")
    scored: int = Field(description="Minutes of sound that were scored.")
    listened: int = Field(description="Of these, minutes in which an alarm could be raised.")
    expected: float = Field(description="False alarms expected in these.")
    allowed: float = Field(description="False alarms accepted in these.")


class Thresholds(Answer):
    """Thresholds of a level that came in the week."""

    level: Level = Field(description="Their level.")
    before: Number = Field(description="The one that held before; null where none did.")
    after: Number = Field(description="The newest of the week.")
    count: int = Field(description="How many came.")
    reasons: list[tuple[str, int]] = Field(description="Why, and how often.")


class Source(Answer):
    """A source's week."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    heard: Heard = Field(description="What was heard.")
    troubles: int = Field(description="Incidents of its microphone, or of no sound.")
    thresholds: list[Thresholds] = Field(description="What changed of its thresholds.")


class Alarm(Answer):
    """An alarm that began in the week."""

    id: str = Field(description="The incident's id.")
    opened: datetime = Field(description="When it began.")
    seconds: float = Field(description="How long it lasted, or has lasted.")
    state: IncidentState = Field(description="Whether it goes on.")
    verdict: Verdict | None = Field(description="What people say of it; null: not reviewed.")
    fault: str | None = Field(description="The fault's name.")


class Fault(Answer):
    """Confirmed faults of one name."""

    name: str = Field(description='The name; "" where nobody gave one.')
    times: int = Field(description="Incidents.")
    seconds: float = Field(description="How long they lasted, together.")
    is_going_on: bool = Field(description="Whether one of them goes on.")


class Drift(Answer):
    """A drift that was open in the week."""

    id: str = Field(description="The incident's id.")
    source: str = Field(description="Name of the source that heard it.")
    opened: datetime = Field(description="When it was noticed.")
    ended: datetime | None = Field(description="When it was over; null where it is not.")
    reason: str = Field(description="Since when, and how much.")
    verdict: Verdict | None = Field(description="What people say of it.")


class InUse(Answer):
    """A release that came into use."""

    id: str = Field(description="Its id.")
    identity: str = Field(description="Identity of the bundle.")
    since: datetime = Field(description="The first minute that it scored.")


class Machine(Answer):
    """A machine's week."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    budget_per_week: float = Field(description="False alarms a week that are accepted, as of now.")
    sources: list[Source] = Field(description="Its sources.")
    heard: Heard = Field(description="All of them together.")
    alarms: Verdicts = Field(description="Its alarms.")
    watches: Verdicts = Field(description="Its watches.")
    going_on: int = Field(description="Incidents that had begun before and went on.")
    newest_alarms: list[Alarm] = Field(description="Its alarms, the newest first.")
    faults: list[Fault] = Field(description="Its confirmed faults.")
    drifts: list[Drift] = Field(description="Its drifts.")
    releases: list[InUse] = Field(description="Releases that came into use.")


class Report(Answer):
    """The week of a plant."""

    plant: str = Field(description="Its name.")
    week: WeekName = Field(description="The ISO week, as 2026-W12.")
    begins: datetime = Field(description="Monday 0:00 by the plant's clock.")
    ends: datetime = Field(description="The Monday after.")
    until: datetime = Field(description="How far it reaches: now, where the week is not over.")
    is_over: bool = Field(description="Whether the week is over.")
    is_empty: bool = Field(description="Whether nothing was heard, and nothing happened.")
    heard: Heard = Field(description="All sources together.")
    alarms: Verdicts = Field(description="All alarms.")
    watches: Verdicts = Field(description="All watches.")
    machines: list[Machine] = Field(description="The machines, in the order of the file.")


class WeekInShort(Answer):
    """A week of the list."""

    week: WeekName = Field(description="The ISO week, as 2026-W12.")
    is_over: bool = Field(description="Whether it is over.")
    alarms: Verdicts = Field(description="Alarms that began in it.")


class Weeks(BaseModel):
    """Weeks that there are reports of, the newest first."""

    weeks: list[WeekInShort] = Field(description="All that there are.")
