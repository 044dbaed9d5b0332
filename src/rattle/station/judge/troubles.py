"""Tell what is wrong with a source or its microphone: incidents of their own kind, no anomalies.

One incident of a kind is open at a time. It is open for as long as any of its causes is: a camera
is lost and the watchdog misses its windows, which are one incident.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Literal

from rattle.station.ids import new_id
from rattle.station.records import IncidentChanged, Record

Cause = Literal["unfit", "moved", "lost", "no windows"]
TroubleKind = Literal["microphone", "source"]
KINDS: dict[Cause, TroubleKind] = {
    "unfit": "microphone",
    "moved": "microphone",
    "lost": "source",
    "no windows": "source",
}
# What a restored incident's reason begins with tells its cause: the words are the memory.
MOVED = "was the microphone moved?"


class SourceTroubles:
    """What is wrong with one source; told from its own thread and from the watchdog's."""

    def __init__(
        self,
        source_id: str,
        machine_id: str,
        *,
        tell: Callable[[Record], None],
        restored: Sequence[IncidentChanged] = (),
    ) -> None:
        """``restored`` are its incidents that were open when the station ended.

        They end as others do: once the sound is fit, or comes, again.
        """
        self._source_id, self._machine_id = source_id, machine_id
        self._tell = tell
        self._open: dict[TroubleKind, IncidentChanged] = {}
        self._causes: dict[Cause, str] = {}
        self._lock = Lock()
        for incident in restored:
            if incident.kind in ("microphone", "source"):
                self._open[incident.kind] = incident
                self._causes[_cause_of(incident)] = incident.reason

    def reason(self, kind: TroubleKind, *, besides: Cause | None = None) -> str:
        """Say what is wrong at this moment, or nothing; ``besides`` is a cause to leave out."""
        with self._lock:
            return self._said(kind, besides)

    def is_of(self, incident_id: str, cause: Cause) -> bool:
        """Whether that incident is open, and that one of its causes."""
        with self._lock:
            incident = self._open.get(KINDS[cause])
            return incident is not None and incident.id == incident_id and cause in self._causes

    def say(self, cause: Cause, reason: str, at: datetime) -> None:
        """Say what is wrong; the same again changes nothing."""
        with self._lock:
            if self._causes.get(cause) == reason:
                return
            self._causes[cause] = reason
            kind = KINDS[cause]
            incident = self._open.get(kind)
            if incident is None:
                incident = self._opened(kind, at)
            self._put(kind, replace(incident, reason=self._said(kind)))

    def over(self, cause: Cause, at: datetime) -> None:
        """Say that it is wrong no more."""
        if cause not in self._causes:  # as it mostly is not, and many ask each second
            return
        with self._lock:
            if self._causes.pop(cause, None) is None:
                return
            kind = KINDS[cause]
            incident = self._open[kind]
            if said := self._said(kind):
                self._put(kind, replace(incident, reason=said))
                return
            ended = max(at, incident.opened)
            self._put(kind, replace(incident, state="ended", ended=ended))
            del self._open[kind]

    def _said(self, kind: TroubleKind, besides: Cause | None = None) -> str:
        return "; ".join(
            why for cause, why in self._causes.items() if KINDS[cause] == kind and cause != besides
        )

    def _opened(self, kind: TroubleKind, at: datetime) -> IncidentChanged:
        return IncidentChanged(
            id=new_id(at),
            machine_id=self._machine_id,
            source_id=self._source_id,
            subject=self._source_id,
            kind=kind,
            level="watch",
            state="open",
            opened=at,
            ended=None,
            peak=None,
            peak_at=None,
            peak_z=None,
            release_id=None,
            threshold_id=None,
            reason="",
        )

    def _put(self, kind: TroubleKind, incident: IncidentChanged) -> None:
        self._open[kind] = incident
        self._tell(incident)


def _cause_of(incident: IncidentChanged) -> Cause:
    if incident.kind == "source":
        return "lost"
    return "moved" if MOVED in incident.reason else "unfit"
