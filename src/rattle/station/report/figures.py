"""State what a week's report holds. Times are UTC, rates and budgets count the whole week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rattle.scoring.budget.ledger import Level, Verdict
from rattle.station.records import IncidentState
from rattle.station.report.weeks import Week


@dataclass(frozen=True)
class Heard:
    """What was heard of a source, or of several: seconds of the week.

    sound_s: with sound. lost_s: in which it was listened to and there was none. off_s: in which the
    station did not listen, of what is over of the week. running_s: in which the machine ran.
    unfit: whole minutes with sound that was not fit to be scored, by what was wrong with it;
    unfit_s: all of them. moved_s: in which it was asked whether the microphone was moved. scored:
    minutes of sound that were scored. listened: those of them in which an alarm could be raised,
    since there was a threshold. expected, allowed: false alarms in these, by the thresholds in
    force, and by the budget.
    """

    sound_s: float = 0.0
    lost_s: float = 0.0
    off_s: float = 0.0
    running_s: float = 0.0
    unfit: tuple[tuple[str, float], ...] = ()
    moved_s: float = 0.0
    scored: int = 0
    listened: int = 0
    expected: float = 0.0
    allowed: float = 0.0

    @property
    def unfit_s(self) -> float:
        return sum(seconds for _, seconds in self.unfit)

    @classmethod
    def together(cls, parts: Sequence[Heard]) -> Heard:
        """Add them up; seconds are then those of all sources."""
        unfit: dict[str, float] = {}
        for part in parts:
            for what, seconds in part.unfit:
                unfit[what] = unfit.get(what, 0.0) + seconds
        added = {
            name: sum(getattr(part, name) for part in parts)
            for name in cls.__dataclass_fields__
            if name != "unfit"
        }
        return cls(**added, unfit=tuple(sorted(unfit.items())))


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of a level that came into force in the week.

    before: the one that held when the week began; None where none did. after: the newest. reasons:
    why each came, and how often.
    """

    level: Level
    before: float | None
    after: float
    reasons: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        return sum(count for _, count in self.reasons)


@dataclass(frozen=True)
class SourceReport:
    """A source's week; troubles counts incidents of its microphone and of its line."""

    id: str
    name: str
    heard: Heard
    troubles: int
    thresholds: tuple[Thresholds, ...]


@dataclass(frozen=True)
class Verdicts:
    """Incidents of a level that began in the week, by what people say of them.

    none: those that nobody reviewed.
    """

    level: Level
    anomaly: int = 0
    normal: int = 0
    unsure: int = 0
    none: int = 0

    @property
    def total(self) -> int:
        return self.anomaly + self.normal + self.unsure + self.none


@dataclass(frozen=True)
class Alarm:
    """An alarm that began in the week; ``seconds`` it lasted, or has lasted by now."""

    id: str
    opened: datetime
    seconds: float
    state: IncidentState
    verdict: Verdict | None
    fault: str | None


@dataclass(frozen=True)
class Fault:
    """Faults of one name that were confirmed: incidents of any level that began in the week.

    A moment that passed no threshold is one where a person heard a fault in it.

    name is "" where nobody named it.
    """

    name: str
    times: int
    seconds: float
    is_going_on: bool


@dataclass(frozen=True)
class Drift:
    """A drift that was open at any time of the week; ``reason`` says since when, and how much."""

    id: str
    source: str
    opened: datetime
    ended: datetime | None
    reason: str
    verdict: Verdict | None


@dataclass(frozen=True)
class InUse:
    """A release that scored the machine for the first time, or again after another."""

    id: str
    identity: str
    since: datetime


@dataclass(frozen=True)
class MachineReport:
    """A machine's week.

    alarms, watches: incidents that began in it. going_on: those that began before and did not end
    before it. newest_alarms: the newest of them first, all there are.
    """

    id: str
    name: str
    budget_per_week: float
    sources: tuple[SourceReport, ...]
    alarms: Verdicts
    watches: Verdicts
    going_on: int
    newest_alarms: tuple[Alarm, ...]
    faults: tuple[Fault, ...]
    drifts: tuple[Drift, ...]
    releases: tuple[InUse, ...]

    @property
    def heard(self) -> Heard:
        """All sources together."""
        return Heard.together([source.heard for source in self.sources])

    @property
    def is_empty(self) -> bool:
        """Whether nothing was heard of it, and nothing happened."""
        heard = self.heard
        happened = self.alarms.total or self.watches.total or self.faults
        return not (heard.sound_s or heard.lost_s or happened)


@dataclass(frozen=True)
class Report:
    """The week of a plant.

    until: the end of what it is about, which is now where the week is not over.
    """

    plant: str
    week: Week
    begins: datetime
    ends: datetime
    until: datetime
    machines: tuple[MachineReport, ...]

    @property
    def is_over(self) -> bool:
        return self.until >= self.ends

    @property
    def is_empty(self) -> bool:
        """Whether nothing was heard of any machine, and nothing happened."""
        return all(machine.is_empty for machine in self.machines)

    @property
    def heard(self) -> Heard:
        """All sources together."""
        return Heard.together([machine.heard for machine in self.machines])

    @property
    def alarms(self) -> Verdicts:
        return _added("alarm", [machine.alarms for machine in self.machines])

    @property
    def watches(self) -> Verdicts:
        return _added("watch", [machine.watches for machine in self.machines])


def _added(level: Level, parts: Sequence[Verdicts]) -> Verdicts:
    names = ("anomaly", "normal", "unsure", "none")
    return Verdicts(level, *(sum(getattr(part, name) for part in parts) for name in names))
