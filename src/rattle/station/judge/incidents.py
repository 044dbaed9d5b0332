"""Join what a machine's sources say into one incident at a time.

    ear of source 1 -- above watch ----\
    ear of source 2 ------ above alarm -- one open incident: highest level, highest Y
                                        `- ends when no source has a stretch that goes on

Pages are told of an incident by who stores it: they ask for its row then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rattle.scoring.budget.ledger import INCIDENT_LEVELS, IncidentLevel, Level
from rattle.station.board import Board
from rattle.station.events import Hub
from rattle.station.ids import new_id
from rattle.station.records import IncidentChanged, IncidentState, Record, as_float16

# Recordings of an incident: at its opening, at its rise to alarm, at new peaks so far apart.
MOST_CLIPS = 4
BETWEEN_CLIPS = timedelta(minutes=10)
# A recording goes on for so long: what happens within it is in it.
WITHIN_CLIP = timedelta(seconds=10)


@dataclass(frozen=True)
class Passed:
    """A window at whose end a source is above a level, the highest one of those it is above.

    z: the window's embedding ``[D]``. threshold_id: the threshold of that level. Of a moment, which
    is above none, it is that of the watch.
    """

    source_id: str
    level: IncidentLevel
    at: datetime
    y: float
    z: NDArray[np.float32]
    release_id: str
    threshold_id: str | None


@dataclass(frozen=True)
class Noted:
    """The incident that a window is of, and whether a recording of this moment is due."""

    incident_id: str
    is_clip_due: bool


class MachineIncidents:
    """The incident of one machine; its sources' ears share this, from threads of their own."""

    def __init__(
        self,
        machine_id: str,
        *,
        tell: Callable[[Record], None],
        board: Board,
        hub: Hub,
        restored: IncidentChanged | None = None,
        clips: int = 1,
    ) -> None:
        """``restored`` is the incident that was open when the station ended, of ``clips``
        recordings; ears then say by ``goes_on`` whether it does."""
        self._machine_id = machine_id
        self._tell, self._board, self._hub = tell, board, hub
        self._incident = restored
        self._stretches: set[tuple[str, Level]] = set()
        self._clips = 0 if restored is None else clips
        self._clip_at: datetime | None = None if restored is None else restored.opened
        self._is_told = True
        self._lock = Lock()
        if restored is not None:
            self._show()

    @property
    def is_open(self) -> bool:
        """Whether the machine has an incident that goes on."""
        with self._lock:
            return self._incident is not None

    def goes_on(self, source_id: str, levels: Collection[Level]) -> str | None:
        """Say which stretches of a source go on: the incident that they are of.

        None where no incident is open; the next window above opens one.
        """
        with self._lock:
            if self._incident is None:
                return None
            self._stretches |= {(source_id, level) for level in levels}
            return self._incident.id

    def settle(self, at: datetime) -> None:
        """End a restored incident as interrupted where no source goes on with it."""
        with self._lock:
            if self._incident is not None and not self._stretches:
                self._end(at, "interrupted")

    def passed(self, passed: Passed, levels: Collection[Level]) -> Noted:
        """Note a window above ``levels``: opens the incident, or raises its level or peak."""
        with self._lock:
            self._stretches |= {(passed.source_id, level) for level in levels}
            incident = self._incident
            if incident is None:
                self._open(passed)
                return Noted(self._change_of(passed.at), is_clip_due=True)
            rises = INCIDENT_LEVELS.index(passed.level) > INCIDENT_LEVELS.index(incident.level)
            is_peak = incident.peak is None or passed.y > incident.peak
            if is_peak:
                incident = replace(
                    incident, peak=passed.y, peak_at=passed.at, peak_z=as_float16(passed.z)
                )
            if rises:
                incident = replace(incident, level=passed.level, threshold_id=passed.threshold_id)
            self._incident = incident
            self._is_told &= not is_peak
            if rises:
                self._say()
            wait = WITHIN_CLIP if rises else BETWEEN_CLIPS
            is_late = self._clip_at is None or passed.at - self._clip_at >= wait
            is_due = (rises or is_peak) and is_late
            if not is_due or self._clips >= MOST_CLIPS:
                return Noted(incident.id, is_clip_due=False)
            return Noted(self._change_of(passed.at), is_clip_due=True)

    def moment(self, passed: Passed) -> str:
        """Tell a moment that is offered for listening; gives its id. Nothing is open by it."""
        told = replace(self._begun(passed), state="ended", ended=passed.at)
        self._tell(told)
        return told.id

    def minute(self) -> None:
        """Tell of a peak that is higher than the one that was told; for once a minute."""
        with self._lock:
            if not self._is_told:
                self._say()

    def calm(self, source_id: str, level: Level, at: datetime) -> None:
        """Note that a source's stretch of a level has ended, and the incident with the last."""
        with self._lock:
            self._stretches.discard((source_id, level))
            if self._incident is not None and not self._stretches:
                self._end(at, "ended")

    def _open(self, passed: Passed) -> None:
        self._clips = 0
        self._incident = self._begun(passed)
        self._say()

    def _begun(self, passed: Passed) -> IncidentChanged:
        return IncidentChanged(
            id=new_id(passed.at),
            machine_id=self._machine_id,
            source_id=passed.source_id,
            subject=self._machine_id,
            kind="machine",
            level=passed.level,
            state="open",
            opened=passed.at,
            ended=None,
            peak=passed.y,
            peak_at=passed.at,
            peak_z=as_float16(passed.z),
            release_id=passed.release_id,
            threshold_id=passed.threshold_id,
            reason="",
        )

    def _end(self, at: datetime, state: IncidentState) -> None:
        assert self._incident is not None  # noqa: S101
        ended = max(at, self._incident.opened)
        self._incident = replace(self._incident, state=state, ended=ended)
        self._say()
        self._incident = None

    def _change_of(self, at: datetime) -> str:
        """Count a recording of the incident."""
        assert self._incident is not None  # noqa: S101
        self._clips += 1
        self._clip_at = at
        return self._incident.id

    def _say(self) -> None:
        incident = self._incident
        assert incident is not None  # noqa: S101
        self._is_told = True
        self._tell(incident)
        self._show()

    def _show(self) -> None:
        """Put it on the board, and the page."""
        incident = self._incident
        is_open = incident is not None and incident.state == "open"
        level, incident_id = (incident.level, incident.id) if incident and is_open else (None, None)
        self._board.set_machine(self._machine_id, level=level, incident_id=incident_id)
        self._hub.publish("machine", machine=self._machine_id, level=level)
