"""Let everyone know what people said of incidents: budgets, microphones, learning, drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from rattle.station.plant.assembly import Assembly
from rattle.station.plant.drifting import Drifts
from rattle.station.plant.learning import Learning
from rattle.station.records import StretchChanged
from rattle.station.store.database import Database
from rattle.station.store.history import reviewed_stretches
from rattle.station.store.tables import IncidentRow


class Reviewing:
    """What follows from a review, and from a stretch that began after one."""

    def __init__(
        self,
        database: Database,
        ears: Assembly,
        drifts: Drifts,
        learning: Learning,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._ears, self._now = database, ears, now
        self._drifts, self._learning = drifts, learning
        self.newest: dict[tuple[str, str], int] = {}  # of a source and level: its first minute

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        """Follow what is said of these incidents now."""
        with self._database.reading() as session:
            stretches = reviewed_stretches(session, incident_ids)
            among = IncidentRow.id.in_([*incident_ids])
            of_microphone = (IncidentRow.kind == "microphone") & IncidentRow.verdict.is_not(None)
            asked = select(IncidentRow.id, IncidentRow.source_id).where(among, of_microphone)
            microphones = session.execute(asked).all()
            of_sound = select(IncidentRow.machine_id).where(among, IncidentRow.kind == "machine")
            machines = session.scalars(of_sound.distinct()).all()
        self._drifts.reviewed(incident_ids)
        for each in stretches:
            ear = self._ears.ears.get(each.source_id)
            if ear is not None and self._ears.in_use[each.source_id] == each.release_id:
                ear.review(each.level, each.first, each.verdict, self._now())
        for incident_id, source_id in microphones:
            if source_id in self._ears.ears:
                self._ears.ears[source_id].microphone_reviewed(incident_id, self._now())
        for machine_id in machines:
            self._learning.due(machine_id)

    def written(self, stretches: Sequence[StretchChanged]) -> None:
        """Let the budgets know of what began after a person had said what it is."""
        new = {
            (each.source_id, each.level): each
            for each in stretches
            if self.newest.get((each.source_id, each.level), -1) < each.first
        }
        if not new:
            return
        self.newest |= {key: each.first for key, each in new.items()}
        of = IncidentRow.id.in_({each.incident_id for each in new.values()})
        with self._database.reading() as session:
            found = select(IncidentRow.id).where(of, IncidentRow.verdict.is_not(None))
            reviewed = session.scalars(found).all()
        if reviewed:
            self.reviewed(reviewed)
