"""Show what goes on at this moment: ears write it, the page reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any, Literal

from rattle.scoring.budget.ledger import Level
from rattle.scoring.budget.stages import Stage
from rattle.station.records import Operating

SourceState = Literal["connecting", "live", "unfit", "lost", "ended", "off"]


@dataclass(frozen=True)
class SourceNow:
    """A source at this moment.

    state: lost while it is connected again; unfit while its sound is not fit to be scored; ended
    where a file was heard to its end. reason: why, in words. since: when it came to be so.
    heard_at: the end of the last sound. score, y: of the last window, and the K-th largest of the
    last N; None where it was not scored. lag_s: how long the last window waited to be scored.
    dropped_s: seconds of sound that were dropped since the start. minutes: of scored sound that
    were heard by this release. alarm, watch: thresholds; None while learning. expected, upper:
    false alarms a week by the threshold.
    """

    id: str
    name: str
    machine_id: str
    kind: str
    place: str
    state: SourceState = "connecting"
    reason: str = ""
    since: datetime | None = None
    heard_at: datetime | None = None
    operating: Operating = "unknown"
    score: float | None = None
    y: float | None = None
    level_db: float | None = None
    lag_s: float = 0.0
    dropped_s: float = 0.0
    connections: int = 0
    stage: Stage = "learning"
    minutes: int = 0
    alarm: float | None = None
    watch: float | None = None
    expected: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class MachineNow:
    """A machine at this moment; ``level`` is that of its open incident of kind machine.

    learning: what is being learnt from its reviews, or why nothing is, in words.
    station, address: the other station that listens to it, and where that has its page; "" where it
    is this one.
    """

    id: str
    name: str
    budget_per_week: float
    running: str
    release_id: str
    sources: tuple[SourceNow, ...] = ()
    level: Level | None = None
    incident_id: str | None = None
    learning: str = ""
    station: str = ""
    address: str = ""

    @property
    def operating(self) -> Operating:
        """Running where any source hears it run; unknown where none hears anything."""
        said = {source.operating for source in self.sources}
        for state in ("running", "idle", "off"):
            if state in said:
                return state
        return "unknown"

    @property
    def stage(self) -> Stage:
        """That of the source which was heard least."""
        order: tuple[Stage, ...] = ("learning", "provisional", "settled")
        return min((source.stage for source in self.sources), key=order.index, default="learning")


@dataclass
class Board:
    """All machines at this moment; safe to be read and written from several threads."""

    _machines: dict[str, MachineNow] = field(default_factory=dict)
    _sources: dict[str, SourceNow] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, machine: MachineNow) -> None:
        """Put a machine with its sources on the board: in its place, or at the end."""
        with self._lock:
            self._machines[machine.id] = machine
            self._sources |= {source.id: source for source in machine.sources}

    def remove(self, machine_id: str) -> None:
        """Take a machine off the board with its sources, which nobody hears any more."""
        with self._lock:
            machine = self._machines.pop(machine_id, None)
            for source in () if machine is None else machine.sources:
                self._sources.pop(source.id, None)

    def set_source(self, source_id: str, **changes: Any) -> SourceNow:
        """Change fields of a source."""
        with self._lock:
            source = replace(self._sources[source_id], **changes)
            self._sources[source_id] = source
            return source

    def set_machine(self, machine_id: str, **changes: Any) -> None:
        """Change fields of a machine; of one that left the board nothing."""
        with self._lock:
            if machine_id not in self._machines:
                return
            self._machines[machine_id] = replace(self._machines[machine_id], **changes)

    def machines(self) -> list[MachineNow]:
        """All machines in the order of the file."""
        with self._lock:
            return [self._with_sources(each) for each in self._machines.values()]

    def machine(self, machine_id: str) -> MachineNow | None:
        """One machine, None where there is none of that id."""
        with self._lock:
            found = self._machines.get(machine_id)
            return None if found is None else self._with_sources(found)

    def sources(self) -> Mapping[str, SourceNow]:
        """All sources by id."""
        with self._lock:
            return dict(self._sources)

    def _with_sources(self, machine: MachineNow) -> MachineNow:
        return replace(machine, sources=tuple(self._sources[each.id] for each in machine.sources))
