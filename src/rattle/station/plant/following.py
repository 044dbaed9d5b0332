"""Follow what is written: pages are told, recordings explained, budgets and mail let know.

An open page is told of an incident by what was written, never by what is about to be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from rattle.station.events import Hub
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.banners import Beginnings
from rattle.station.plant.explaining import Due, Explainer
from rattle.station.plant.unexplained import unexplained
from rattle.station.records import IncidentChanged, StretchChanged
from rattle.station.store.database import Database
from rattle.station.store.rows import ClipKept, Written


class Following:
    """What comes of records when they are in the database; ``beginnings`` are of incidents."""

    def __init__(
        self,
        database: Database,
        data: Path,
        ears: Assembly,
        hub: Hub,
        *,
        telling: Callable[[Collection[str]], None],
        reviewing: Callable[[Sequence[StretchChanged]], None],
        now: Callable[[], datetime],
    ) -> None:
        """``telling`` hears of incidents by id, ``reviewing`` of stretches."""
        self._database, self._data, self._ears = database, data, ears
        self._hub, self._telling, self._reviewing, self._now = hub, telling, reviewing, now
        self._explained: deque[str] = deque(maxlen=1000)
        self._explainer = Explainer(database, self._was_explained)
        self.beginnings = Beginnings()

    def start(self) -> None:
        """Begin to explain."""
        self._explainer.start()

    def stop(self, patience_s: float) -> None:
        """End."""
        self._explainer.stop(patience_s)

    def brought_in(self, release_ids: list[str]) -> None:
        """Have explained what nobody did before machines of these releases were brought in."""
        with self._database.reading() as session:
            for each in unexplained(session, release_ids, self._now()):
                # Another station may have the recording in a folder of its own.
                if (self._data / each.path).is_file():
                    self._explain(each.incident_id, each.path, each.release_id)

    def written(self, records: Sequence[Written]) -> None:
        """Tell pages of incidents that are stored, and have them explained."""
        for record in records:
            if isinstance(record, IncidentChanged):
                if record.kind == "machine" and record.state == "open":
                    self.beginnings.note(record.id, record.opened, self._now())
                self._tell_of(record)
            elif isinstance(record, ClipKept) and record.use == "incident" and record.incident_id:
                release_id = self._ears.in_use[record.source_id]
                self._explain(record.incident_id, record.path, release_id)
        self._telling({r.id for r in records if isinstance(r, IncidentChanged)})
        self._reviewing([r for r in records if isinstance(r, StretchChanged)])

    def _tell_of(self, incident: IncidentChanged) -> None:
        self._hub.publish(
            "incident",
            id=incident.id,
            machine=incident.machine_id,
            kind=incident.kind,
            level=incident.level,
            state=incident.state,
        )

    def _explain(self, incident_id: str, path: str, release_id: str) -> None:
        """Explain an incident by its first recording, at ``path`` in the data folder."""
        if incident_id in self._explained:
            return
        self._explained.append(incident_id)
        release = self._ears.releases[release_id]
        self._explainer.put(Due(incident_id, self._data / path, release.path, release.scorer))

    def _was_explained(self, incident_id: str) -> None:
        self._hub.publish("incident", id=incident_id, explained=True)
