"""Run the plant: an ear for every source, one writer, one keeper."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.errors import StorageError
from rattle.listening.source import Source
from rattle.locked import locked
from rattle.station.board import Board
from rattle.station.clock import utc_now
from rattle.station.config.model import Machine
from rattle.station.config.model import Plant as PlantFile
from rattle.station.config.model import Source as SourceFile
from rattle.station.events import Hub
from rattle.station.health import Health
from rattle.station.hear.push import PushInbox
from rattle.station.hear.sources import source_of
from rattle.station.hear.watchdog import Watchdog
from rattle.station.plant.assembly import Assembly, Opens
from rattle.station.plant.banners import Beginnings, banners_of
from rattle.station.plant.beginning import enter, recall
from rattle.station.plant.explaining import Due, Explainer
from rattle.station.plant.keeping import Job, Keeper
from rattle.station.plant.progress import told
from rattle.station.plant.rehearsing import Rehearsals
from rattle.station.plant.releases import Release, live_before, take_into_use_or_keep
from rattle.station.plant.unexplained import unexplained
from rattle.station.records import IncidentChanged, StretchChanged
from rattle.station.store.database import Database, open_database
from rattle.station.store.history import reviewed_stretches
from rattle.station.store.register import leave_sources, take_sources
from rattle.station.store.retention import Retention
from rattle.station.store.rows import ClipKept, Written
from rattle.station.store.scribe import Scribe
from rattle.station.store.sound_files import SoundFiles
from rattle.station.store.tables import IncidentRow

_log = logging.getLogger(__name__)

# Another station may take a source that was not renewed for so long.
LEASE = timedelta(seconds=90)
LOOK_EVERY_S, RENEW_EVERY_S, REHEARSE_EVERY_S, KEEP_EVERY_S = 10.0, 30.0, 60.0, 3600.0
# A stop takes no longer; of it, sources and what goes on besides have so much, writing the rest.
PATIENCE_S, LISTENING_S, BESIDES_S = 20.0, 8.0, 3.0


class Plant:
    """The running plant; a ``web.context.Station``.

    ``opens`` makes the source of sound that the file names.
    """

    def __init__(
        self, file: PlantFile, *, opens: Opens | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.file, self._now = file, now
        self.board, self.hub = Board(), Hub()
        self._opens = opens or self._opened
        self._started = now()
        self._closing = contextlib.ExitStack()
        self._explained: deque[str] = deque(maxlen=1000)
        self._beginnings = Beginnings()
        self._refused: dict[str, str] = {}  # bundles, by their machine's name
        self._end_by: float | None = None
        self._newest: dict[tuple[str, str], int] = {}  # of a source and level: its first minute
        # One station of a data folder has one name, so that it finds its own lease again.
        self._node = f"{socket.gethostname()}:{file.data.resolve()}"

    def start(self) -> None:
        """Begin to listen; returns once every source has its thread.

        Raises ``DataError``, ``BundleError``, ``StorageError``: of another station on the same data
        or source, of a bundle that cannot be used, of a database that cannot be opened.
        """
        with contextlib.ExitStack() as undo:
            self._start(undo)
            self._closing = undo.pop_all()

    def stop(self) -> None:
        """Stop listening, and write what was heard. What cannot be written in time is said."""
        self._closing.close()

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        """Let the budgets know what people said of these; see ``web.context.Station``."""
        with self.database.reading() as session:
            stretches = reviewed_stretches(session, incident_ids)
            is_reviewed = IncidentRow.id.in_([*incident_ids]) & IncidentRow.verdict.is_not(None)
            of_microphone = is_reviewed & (IncidentRow.kind == "microphone")
            asked = select(IncidentRow.id, IncidentRow.source_id).where(of_microphone)
            reviewed = session.execute(asked).all()
        for each in stretches:
            ear = self._ears.ears.get(each.source_id)
            if ear is not None and self._ears.in_use[each.source_id] == each.release_id:
                ear.review(each.level, each.first, each.verdict, self._now())
        for incident_id, source_id in reviewed:
            if source_id in self._ears.ears:
                self._ears.ears[source_id].microphone_reviewed(incident_id, self._now())

    def set_running(self, machine_id: str, running: bool) -> None:
        """Say that a machine runs, or does not; ``ValueError`` where its state is by no tag."""
        for ear in self._ears.ears_of.get(machine_id, ()):
            ear.set_running(running)

    def inbox(self, source_name: str) -> PushInbox | None:
        """Find a pushed source's inbox."""
        return self._ears.inboxes.get(source_name)

    def health(self) -> Health:
        """Say how the station is."""
        writing = self._scribe.writing
        return Health(
            started=self._started,
            writing=writing,
            kept=self._retention.kept,
            banners=banners_of(
                writing,
                self._retention.kept,
                self._keeper.errors,
                self.board.machines(),
                self._beginnings(),
                self._now(),
                self._refused,
            ),
            pages_open=self.hub.pages_open,
        )

    def _start(self, undo: contextlib.ExitStack) -> None:
        data = self.file.data
        undo.enter_context(locked(data / "station", "a station"))
        self.database: Database = open_database(self.file.database.get_secret_value(), data)
        undo.callback(self.database.close)
        with self.database.reading() as session:
            before = live_before(session, data)
        machines = told(self.file.machine, "opening bundles", len(self.file.machine))
        releases = {
            machine.name: take_into_use_or_keep(machine, data / "releases", before, self._refused)
            for machine in machines
        }
        with self.database.writing() as session:
            entered = enter(session, self.file, releases, data, self._now())
            self._sources = [*entered.ids.sources.values()]
            self._take(session)
        undo.callback(self._leave)
        beginning = recall(self.database, self.file, entered, self._now())
        self._explainer = Explainer(self.database, self._was_explained)
        self._retention = Retention(self.database, data, self.file.keep)
        files = SoundFiles(data, self.file.keep.speech, self._retention.refusal)
        self._scribe = Scribe(self.database, files, self._written, now=self._now)
        self._ears = ears = Assembly(self._scribe.put, self.board, self.hub, self._opens, self._now)
        rehearsals = Rehearsals(
            self.database, self.board, ears.ears, lambda of: ears.releases[of].scorer, self._now
        )
        watchdog = Watchdog(self.board, ears.troubles)

        def look() -> None:
            watchdog.look(self._now())

        self._keeper = Keeper(
            [
                Job("Looking after the sources", LOOK_EVERY_S, look, LOOK_EVERY_S),
                Job("Holding the sources", RENEW_EVERY_S, self._renew, RENEW_EVERY_S),
                Job("Retention", KEEP_EVERY_S, self._keep),
                Job("Rehearsing", REHEARSE_EVERY_S, rehearsals.do_next, REHEARSE_EVERY_S),
            ],
            time.monotonic,
        )
        ears.add_all(self.file.machine, releases, beginning)
        with self.database.reading() as session:
            for each in unexplained(session, [*ears.releases], self._now()):
                self._explain(each.incident_id, each.path, each.release_id)
        self._explainer.start()
        undo.callback(lambda: self._explainer.stop(self._left_s(BESIDES_S)))
        self._scribe.start()
        undo.callback(lambda: self._scribe.stop(self._left_s()))
        self._keeper.start()
        undo.callback(lambda: self._keeper.stop(self._left_s(BESIDES_S)))
        undo.callback(self._stop_listening)
        for listener in ears.listeners:
            listener.start()

    def _opened(self, source: SourceFile, machine: Machine, release: Release) -> Source:
        return source_of(source, release.scorer.recipe.audio.channel, self.file.data)

    def _written(self, records: Sequence[Written]) -> None:
        """Tell pages of incidents that are stored, and have them explained."""
        for record in records:
            if isinstance(record, IncidentChanged):
                if record.kind == "machine" and record.state == "open":
                    self._beginnings.note(record.id, record.opened, self._now())
                self._tell_of(record)
            elif isinstance(record, ClipKept) and record.use == "incident" and record.incident_id:
                release_id = self._ears.in_use[record.source_id]
                self._explain(record.incident_id, record.path, release_id)
        self._know_reviews_of([r for r in records if isinstance(r, StretchChanged)])

    def _know_reviews_of(self, stretches: Sequence[StretchChanged]) -> None:
        """Let the budgets know of what began after a person had said what it is."""
        new = {
            (each.source_id, each.level): each
            for each in stretches
            if self._newest.get((each.source_id, each.level), -1) < each.first
        }
        if new:
            self._newest |= {key: each.first for key, each in new.items()}
            of = IncidentRow.id.in_({each.incident_id for each in new.values()})
            with self.database.reading() as session:
                found = select(IncidentRow.id).where(of, IncidentRow.verdict.is_not(None))
                reviewed = session.scalars(found).all()
            if reviewed:
                self.reviewed(reviewed)

    def _tell_of(self, incident: IncidentChanged) -> None:
        self.hub.publish(
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
        recording = self.file.data / path
        self._explainer.put(Due(incident_id, recording, release.path, release.scorer))

    def _was_explained(self, incident_id: str) -> None:
        self.hub.publish("incident", id=incident_id, explained=True)

    def _renew(self) -> None:
        with self.database.writing() as session:
            self._take(session)

    def _keep(self) -> None:
        self._retention.run(self._now())

    def _take(self, session: Session) -> None:
        now = self._now()
        take_sources(session, self._sources, self._node, now, now + LEASE)

    def _leave(self) -> None:
        with contextlib.suppress(StorageError), self.database.writing() as session:
            leave_sources(session, self._sources, self._node)

    def _left_s(self, at_most: float = PATIENCE_S) -> float:
        """How long something may take to end: of the time that there is for all."""
        if self._end_by is None:
            self._end_by = time.monotonic() + PATIENCE_S
        return min(max(self._end_by - time.monotonic(), 1.0), at_most)

    def _stop_listening(self) -> None:
        for listener in self._ears.listeners:
            listener.stop()
        until = time.monotonic() + self._left_s(LISTENING_S)
        for listener in self._ears.listeners:
            if not listener.join(max(until - time.monotonic(), 0.0)):
                _log.warning("a source did not stop in time")
