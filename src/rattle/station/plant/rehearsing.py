"""Rehearse each machine once a day: which faults would be found in its sound of this moment?

Synthetic faults are laid over the last minute of a machine that runs and sounds healthy, and held
against the alarm's threshold of this moment. One machine a minute at most; it takes some seconds of
a core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from rattle.runtime.rehearsal import rehearse
from rattle.runtime.rehearsal_said import document_of
from rattle.runtime.scorer import Scorer
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.hear.ear import Ear
from rattle.station.store.database import Database
from rattle.station.store.tables import ReleaseRow

CLIPS, CLIP_S = 6, 10.0
EVERY = timedelta(days=1)


class Rehearsals:
    """When each machine was rehearsed, and what came of it, in its release's report."""

    def __init__(
        self,
        database: Database,
        board: Board,
        ears: Mapping[str, Ear],
        scorer_of: Callable[[str], Scorer],
        now: Callable[[], datetime],
    ) -> None:
        """``scorer_of`` gives the opened bundle of a release, by its id."""
        self._database, self._board, self._ears = database, board, ears
        self._scorer_of, self._now = scorer_of, now
        self._done: dict[str, datetime] = {}

    def do_next(self) -> None:
        """Rehearse the machine that is due and can be, if any: of several the longest not done."""
        machines = [machine for machine in self._board.machines() if self._is_due(machine)]
        machines.sort(key=lambda machine: self._last(machine).timestamp())
        for machine in machines:
            for source in machine.sources:
                sound = self._ears[source.id].healthy_sound(CLIPS * CLIP_S)
                if source.alarm is not None and sound is not None:
                    self._rehearse(machine, source, source.alarm, sound)
                    return

    def _is_due(self, machine: MachineNow) -> bool:
        is_here = all(source.id in self._ears for source in machine.sources)
        return is_here and machine.level is None and self._now() - self._last(machine) >= EVERY

    def _last(self, machine: MachineNow) -> datetime:
        """When it was rehearsed last, by its release; also before the station was started."""
        if machine.release_id not in self._done:
            with self._database.reading() as session:
                at = _report(session, machine.release_id).get("rehearsal", {}).get("at")
            long_ago = self._now() - 365 * EVERY
            self._done[machine.release_id] = datetime.fromisoformat(at) if at else long_ago
        return self._done[machine.release_id]

    def _rehearse(
        self, machine: MachineNow, source: SourceNow, alarm: float, sound: NDArray[np.float32]
    ) -> None:
        now, release_id = self._now(), machine.release_id
        self._done[release_id] = now  # even where it fails: the others are to have their turn
        clips = np.array_split(sound, CLIPS)
        rehearsal = rehearse(self._scorer_of(release_id), clips)
        tried_on = (
            f"{CLIPS * CLIP_S:.0f} s of {source.name}, {now:%Y-%m-%d %H:%M} UTC, in {CLIPS} "
            "pieces, against the alarm's threshold of that moment"
        )
        with self._database.writing() as session:
            row = session.get_one(ReleaseRow, release_id)
            row.report = {**row.report, "rehearsal": document_of(rehearsal, alarm, now, tried_on)}


def _report(session: Session, release_id: str) -> dict[str, Any]:
    row = session.get(ReleaseRow, release_id)
    return {} if row is None else row.report
