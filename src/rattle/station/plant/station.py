"""Run the plant: an ear for every source, one writer, one keeper."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime

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
from rattle.station.plant.banners import banners_of, gone
from rattle.station.plant.beginning import enter, node_of
from rattle.station.plant.bringing import Bringing, live_releases, stop_listening
from rattle.station.plant.drifting import Drifts
from rattle.station.plant.elsewhere import LOOK_EVERY_S as ELSEWHERE_EVERY_S
from rattle.station.plant.elsewhere import Elsewhere
from rattle.station.plant.encoders import Encoders
from rattle.station.plant.enrolled import take_enrolled
from rattle.station.plant.enrolling import Enrolments
from rattle.station.plant.following import Following
from rattle.station.plant.holding import HOLD_EVERY_S, LEASE, Holding
from rattle.station.plant.joining import Joining
from rattle.station.plant.keeping import Job, Keeper
from rattle.station.plant.learning import Learning
from rattle.station.plant.progress import told
from rattle.station.plant.rehearsing import Rehearsals
from rattle.station.plant.releases import Release, live_before, take_into_use_or_keep
from rattle.station.plant.reviewing import Reviewing
from rattle.station.plant.roster import Roster
from rattle.station.plant.shared_encoders import encoders_of
from rattle.station.plant.telling import Telling, senders_of
from rattle.station.store.backup.restore import refuse_half_restored
from rattle.station.store.database import Database, open_database
from rattle.station.store.retention import Retention
from rattle.station.store.scribe import Scribe
from rattle.station.store.sound_files import SoundFiles

_log = logging.getLogger(__name__)

LOOK_EVERY_S, REHEARSE_EVERY_S, KEEP_EVERY_S = 10.0, 60.0, 3600.0
DRIFT_EVERY_S = 600.0  # whether another day is over
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
        self._refused: dict[str, str] = {}  # bundles, by their machine's name
        self._roster = Roster(file)
        self._end_by: float | None = None

    def start(self) -> None:
        """Begin to listen; returns once every source has its thread that no other station has.

        Raises ``DataError``, ``BundleError``, ``StorageError``: of another station on the same data
        folder, of a bundle that cannot be used, of a database that cannot be opened.
        """
        with contextlib.ExitStack() as undo:
            self._start(undo)
            self._closing = undo.pop_all()

    def stop(self) -> None:
        """Stop listening, and write what was heard. What cannot be written in time is said."""
        self._closing.close()

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        """Let the budgets know what people said of these; see ``web.context.Station``."""
        self._telling.changed(incident_ids)
        self._reviewing.reviewed(incident_ids)

    def promote(self, release_id: str, who: str, reason: str) -> None:
        """Let a release take the place of its machine's live one; see ``web.context.Station``."""
        self._learning.promote(release_id, who, reason)

    @property
    def encoders(self) -> Encoders:
        """Those that workers train; see ``web.context.Encoders``."""
        return self._learning.encoders

    def set_running(self, machine_id: str, running: bool) -> None:
        """Say that a machine runs, or does not; ``ValueError`` where its state is by no tag."""
        for ear in self._ears.ears_of.get(machine_id, ()):
            ear.set_running(running)

    @property
    def enrolling(self) -> Enrolments:
        """What enrols further machines; see ``web.context.Station``."""
        return self._enrolling

    def inbox(self, source_name: str) -> PushInbox | None:
        """Find a pushed source's inbox."""
        found = self._ears.inboxes.get(source_name)
        return self.enrolling.inbox(source_name) if found is None else found

    def enrolled(self) -> Sequence[Machine]:
        """List the machines that were enrolled and are watched; see ``web.context.Station``."""
        return self._roster.enrolled

    def health(self) -> Health:
        """Say how the station is."""
        writing = self._scribe.writing
        return Health(
            started=self._started,
            writing=writing,
            kept=self._retention.kept,
            banners=gone(self._elsewhere.stations)
            + banners_of(
                writing,
                self._retention.kept,
                {**self._keeper.errors, **self._holder.errors},
                self.board.machines(),
                self._following.beginnings(),
                self._now(),
                self._refused,
                self._enrolled_wrong,
            ),
            pages_open=self.hub.pages_open,
            channels=self._telling.channels,
            broker=self._telling.broker,
            stations=self._elsewhere.stations if len(self._elsewhere.stations) > 1 else (),
        )

    def _start(self, undo: contextlib.ExitStack) -> None:
        data, url = self.file.data, self.file.database.get_secret_value()
        senders = senders_of(self.file)
        # A folder that stations share is locked by each computer for itself.
        own = "station" if url == "sqlite" else f"station-{socket.gethostname()}"
        undo.enter_context(locked(data / own, "a station"))
        refuse_half_restored(data)
        self.database: Database = open_database(url, data)
        undo.callback(self.database.close)
        roster, node = self._roster, node_of(self.file)
        with self.database.writing() as session:
            self._enrolled_wrong = take_enrolled(session, roster, node, self._now())
            before = live_before(session, roster.machines, data)
        machines = told(roster.machines, "opening bundles", len(roster.machines))
        releases = {
            machine.name: take_into_use_or_keep(machine, data / "releases", before, self._refused)
            for machine in machines
        }
        with self.database.writing() as session:
            entered = enter(session, roster.plant, self._now(), LEASE)
            live = live_releases(session)
        self._retention = Retention(self.database, data, self.file.keep, entered.node)
        keep = self.file.keep
        files = SoundFiles(
            data, keep.speech, self._retention.refusal, keeps_normal=bool(keep.sound)
        )
        self._scribe = Scribe(
            self.database,
            files,
            lambda records: self._following.written(records),
            now=self._now,
            node=entered.node,
        )
        self._ears = ears = Assembly(self._scribe.put, self.board, self.hub, self._opens, self._now)
        self._following = following = Following(
            self.database,
            data,
            ears,
            self.hub,
            telling=lambda ids: self._telling.changed(ids),
            reviewing=lambda stretches: self._reviewing.written(stretches),
            now=self._now,
        )
        self._telling = Telling(
            roster.plant,
            senders,
            self.database,
            self.board,
            ears.ears_of,
            station="" if url == "sqlite" else entered.node,
            now=self._now,
            full_disk=lambda: self._scribe.writing.full_disk,
            set_running=self.set_running,
            inboxes=ears.inboxes,
        )
        ears.show_all(roster.machines, entered.ids, live)
        self._bringing = bringing = Bringing(
            self.database, roster.plant, releases, entered, ears, self._refused, self._now
        )
        self._holding = holding = Holding(
            self.database,
            entered.node,
            bringing.sources,
            bring_in=self._bring_in,
            stop=lambda machines: stop_listening(ears.remove(machines), LISTENING_S),
            tell=self._scribe.put,
            gone=self._gone,
            now=self._now,
        )
        undo.callback(self._part)
        self._elsewhere = Elsewhere(
            self.database,
            entered.node,
            self.board,
            self.hub,
            holding.machines,
            self.reviewed,
            self._gone,
            self._now,
        )
        self._learning = Learning(self.database, roster, ears, self.hub, entered.node, self._now)
        self._learning.start()
        undo.callback(lambda: self._learning.stop(self._left_s(BESIDES_S)))
        self._enrolling = Enrolments(
            self.database,
            self.file,
            node,
            lambda: encoders_of(bringing.releases),
            Joining(self.database, roster, bringing, ears, self._now),
            self.board,
            self.hub,
            self._now,
        )
        drifts = Drifts(self.database, self._held, self._scribe.put, self._now)
        self._reviewing = Reviewing(self.database, ears, drifts, self._learning, self._now)
        self._keeper = self._keeping(drifts)
        shared = (
            []
            if url == "sqlite"
            else [Job("Looking at other stations", ELSEWHERE_EVERY_S, self._elsewhere.look)]
        )
        hold = Job("Holding the machines", HOLD_EVERY_S, holding.look, HOLD_EVERY_S)
        self._holder = Keeper([hold, *shared], time.monotonic)
        following.start()
        undo.callback(lambda: following.stop(self._left_s(BESIDES_S)))
        undo.callback(lambda: self._telling.stop(self._left_s(BESIDES_S)))
        self._telling.start()
        self._scribe.start()
        undo.callback(lambda: self._scribe.stop(self._left_s()))
        self._keeper.start()
        undo.callback(lambda: self._keeper.stop(self._left_s(BESIDES_S)))
        undo.callback(self._stop_listening)
        holding.look()
        self._holder.start()
        undo.callback(lambda: self._holder.stop(self._left_s(BESIDES_S)))
        self.enrolling.start()
        undo.callback(lambda: self.enrolling.stop(self._left_s(LISTENING_S)))

    def _keeping(self, drifts: Drifts) -> Keeper:
        rehearsals = Rehearsals(
            self.database,
            self.board,
            self._ears.ears,
            lambda of: self._ears.releases[of].scorer,
            self._now,
        )
        watchdog = Watchdog(self.board, self._ears.troubles)

        def look() -> None:
            watchdog.look(self._now())
            self._learning.look_again()

        return Keeper(
            [
                Job("Looking after the sources", LOOK_EVERY_S, look, LOOK_EVERY_S),
                Job("Retention", KEEP_EVERY_S, self._keep),
                Job("Looking for drift", DRIFT_EVERY_S, drifts.look),
                Job("Rehearsing", REHEARSE_EVERY_S, rehearsals.do_next, REHEARSE_EVERY_S),
            ],
            time.monotonic,
        )

    def _held(self) -> dict[str, str]:
        """Which release scores each source that is listened to here."""
        return {source_id: self._ears.in_use[source_id] for source_id in [*self._ears.ears]}

    def _bring_in(self, machine_ids: Sequence[str]) -> None:
        """Begin to listen to machines that this station holds from now on."""
        listeners = self._bringing.bring_in(machine_ids)
        for machine_id in machine_ids:
            self._learning.due(machine_id)  # what was said meanwhile
        self._following.brought_in(self._bringing.releases_of(machine_ids))
        for listener in listeners:
            listener.start()

    def _gone(self, machine_id: str) -> None:
        """Show a machine no more that was removed, here or elsewhere, and tell the pages."""
        self.board.remove(machine_id)
        self.hub.publish("plant")

    def _opened(self, source: SourceFile, machine: Machine, release: Release) -> Source:
        return source_of(source, release.scorer.recipe.audio.channel, self.file.data)

    def _keep(self) -> None:
        self._retention.run(self._now())

    def _part(self) -> None:
        with contextlib.suppress(StorageError):
            self._holding.part()

    def _left_s(self, at_most: float = PATIENCE_S) -> float:
        """How long something may take to end: of the time that there is for all."""
        if self._end_by is None:
            self._end_by = time.monotonic() + PATIENCE_S
        return min(max(self._end_by - time.monotonic(), 1.0), at_most)

    def _stop_listening(self) -> None:
        stop_listening(self._ears.remove([*self._ears.ears_of]), self._left_s(LISTENING_S))
