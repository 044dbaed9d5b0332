"""Enrol machines while the station runs: which state each is in, and who brings it to another.

    begin ── recording ──▶ ready      as much as is kept, or its source has ended
                 │  ▲        │
                 ▼  └─ more ─┤
              fitting ◀──────┘   one thread, one machine at a time
                 ├──▶ failed     why; more can be recorded
                 └──▶ offered ── accept ──▶ accepted   it joins (``joining``)

A row says which of these it is, so a restart goes on where the station ended. What only the running
station knows is in ``recorders``, which record, and in ``fitting``, which makes detectors.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

from sqlalchemy.orm import Session

from rattle.errors import DataError, RattleError, StorageError
from rattle.station.board import Board
from rattle.station.config.model import Machine, Plant
from rattle.station.enrol.checks import checked
from rattle.station.enrol.now import Encoder, EnrolmentNow
from rattle.station.enrol.piece import Piece
from rattle.station.enrol.recording import Heard
from rattle.station.enrol.states import states_of
from rattle.station.enrol.wanted import Wanted, check, machine_of
from rattle.station.events import Hub
from rattle.station.hear.push import PushInbox
from rattle.station.ids import new_id
from rattle.station.plant.fitting import RELEASES, Fitting
from rattle.station.plant.joining import Joining
from rattle.station.plant.recorders import Recorders
from rattle.station.plant.releases import take_into_use
from rattle.station.plant.shared_encoders import encoder_of
from rattle.station.store import enrolments as stored
from rattle.station.store.audit import STATION, note
from rattle.station.store.database import Database
from rattle.station.store.enrolments import Enrolment, EnrolmentState

_log = logging.getLogger(__name__)

# The level is told so often.
LEVEL_EVERY_S = 1.0


class Enrolments:
    """The enrolments of a station; an ``enrol.now.Enrolling``. Called from any thread."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        node: str,
        encoders: Callable[[], Sequence[Encoder]],
        joining: Joining,
        board: Board,
        hub: Hub,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._node = database, file, node
        self.encoders, self._joining = encoders, joining
        self._board, self._hub, self._now = board, hub, now
        self._recorders = Recorders(file, self._heard, now)
        self._level_told: dict[str, datetime] = {}
        self._fitting = Fitting(database, file, encoders, self._recorders, self._tell, now)

    def start(self) -> None:
        """Go on where the station ended."""
        with self._database.reading() as session:
            own = stored.enrolments(session, self._node)
        for row in own:
            if row.state == "recording":
                self._listen(row)
            elif row.state != "accepted":
                with contextlib.suppress(RattleError):  # said where it is recorded on
                    self._recorders.know(row, encoder_of(self.encoders(), row.encoder))
            if row.state == "fitting":
                self._fitting.put("fit", row.id)
        self._fitting.start()

    def stop(self, patience_s: float) -> None:
        """End; what is no whole piece is lost, and a fit is done again at the next start."""
        self._recorders.end_all(patience_s / 2)
        self._fitting.stop(patience_s / 2)

    def machines(self) -> Sequence[Machine]:
        """List the machines that are recorded, or were and may be again."""
        return self._recorders.machines()

    def inbox(self, source: str) -> PushInbox | None:
        """Find the inbox of a pushed source of theirs."""
        return self._recorders.inbox(source)

    def every(self) -> Sequence[EnrolmentNow]:
        """List all but those that were discarded."""
        with self._database.reading() as session:
            rows = stored.enrolments(session)
        return [self._shown(row) for row in rows]

    def one(self, id_: str) -> EnrolmentNow | None:
        """Give one; None where there is none of that id."""
        with self._database.reading() as session:
            row = stored.enrolment(session, id_)
        return None if row is None or row.state == "discarded" else self._shown(row)

    def begin(self, wanted: Wanted, who: str) -> str:
        """Begin to record a new machine; gives its id."""
        encoder = encoder_of(self.encoders(), wanted.encoder)
        machine = check(self._file, wanted.table, encoder.bundles[0], encoder.audio.channel)
        row = Enrolment(
            id=new_id(self._now()),
            node=self._node,
            name=machine.name,
            state="recording",
            config=wanted.table,
            encoder=encoder.id,
            wanted_s=wanted.wanted_s,
            at_once=wanted.at_once,
            created=self._now(),
            who=who,
        )
        with self._database.writing() as session:
            stored.begin(session, row, [source.name for source in machine.sources])
        self._listen(row)
        self._tell(row.id, "recording")
        return row.id

    def record(self, id_: str, who: str) -> None:
        """Record it on."""
        self._own(id_)
        with self._database.writing() as session:
            row = stored.change(
                session, id_, "recording", ("ready", "offered", "failed"), reason="", report=None
            )
            note(session, self._now(), who, "record on", machine=row.name, enrolment=id_)
        self._listen(row)
        self._tell(id_, "recording")

    def fit(self, id_: str, who: str) -> None:
        """Make its detector, soon."""
        self._own(id_)
        with self._database.writing() as session:
            row = stored.change(
                session, id_, "fitting", ("recording", "ready", "failed"), reason=""
            )
            note(session, self._now(), who, "make detector", machine=row.name, enrolment=id_)
        self._fitting.put("fit", id_)
        self._tell(id_, "fitting")

    def accept(self, id_: str, who: str) -> None:
        """Watch the machine from now on."""
        row = self._own(id_)
        if row.state != "offered":
            raise DataError(f"{row.name} is {stored.SAID[row.state]}: that cannot be done now")
        bundle = self._file.data / str(row.config["bundle"])
        machine = machine_of(row.config, bundle)
        release = take_into_use(bundle, self._file.data / RELEASES)

        def write(session: Session) -> None:
            stored.change(session, id_, "accepted", ["offered"])
            note(session, self._now(), who, "watch", machine=row.name, enrolment=id_)

        self._joining.join(machine, release, write)
        self._recorders.forget(id_)
        self._tell(id_, "accepted")

    def discard(self, id_: str, who: str) -> None:
        """Remove all of it; of a machine that is watched its past stays."""
        row = self._own(id_)

        def write(session: Session) -> None:
            stored.change(session, id_, "discarded", [row.state], report=None)
            what = "remove" if row.state == "accepted" else "discard"
            note(session, self._now(), who, what, machine=row.name, enrolment=id_)

        if row.state == "accepted":
            self._joining.leave(row.name, write)
        else:
            with self._database.writing() as session:
                write(session)
        self._recorders.forget(id_)
        self._forget(row)
        self._tell(id_, "discarded")

    def _forget(self, row: Enrolment) -> None:
        """Remove the files of one that was discarded; a bundle that was in use stays."""
        self._recorders.pieces(row.id).remove()
        if row.state == "accepted":
            return
        if "bundle" in row.config:
            (self._file.data / str(row.config["bundle"])).unlink(missing_ok=True)
        for source in row.config["sources"]:
            heard = f"{quote(str(source['name']), safe='')}.jsonl"
            (self._file.data / "heard" / heard).unlink(missing_ok=True)

    def _own(self, id_: str) -> Enrolment:
        with self._database.reading() as session:
            row = stored.enrolment(session, id_)
        if row is None or row.state == "discarded":
            raise DataError(f"there is no enrolment {id_}; reload the page and look again")
        if row.node != self._node:
            raise DataError(
                f"{row.name} is enrolled by the station {row.node.partition(':')[0]}, whose folder "
                "has its recordings; do it on the page of that one"
            )
        return row

    def _listen(self, row: Enrolment) -> None:
        try:
            encoder = encoder_of(self.encoders(), row.encoder)
        except DataError as error:
            self._recorders.refuse(row, str(error))
            return
        self._recorders.begin(row, encoder)

    def _heard(
        self,
        row: Enrolment,
        machine: Machine,
        heard: Heard,
        pieces: Sequence[Piece],
        piece: Piece | None,
    ) -> None:
        """Follow what is recorded; called by the thread that records."""
        if heard.state in ("full", "ended"):
            self._fitting.put("ready", row.id, heard.reason)
        if piece is not None:
            self._tell(row.id, "recording")
            if row.at_once and states_of(machine, pieces).usable_s >= row.wanted_s:
                self._fit_at_once(row.id)
        elif heard.level_db is None:
            self._tell(row.id, "recording")
        elif _is_due(self._level_told.get(row.id), self._now()):
            self._level_told[row.id] = self._now()
            # As a score without one: of these only the newest waits for a page.
            self._hub.publish("score", machine=row.id, source=row.id, level_db=heard.level_db)

    def _fit_at_once(self, id_: str) -> None:
        try:
            self.fit(id_, STATION)
        except DataError:  # it is asked for already
            pass
        except StorageError as error:  # it is tried again with the next piece
            _log.warning("a detector is not made yet: %s", error)

    def _shown(self, row: Enrolment) -> EnrolmentNow:
        is_here = row.node == self._node
        if not is_here or row.state == "accepted":
            named = (each.id for each in self._board.machines() if each.name == row.name)
            return EnrolmentNow(row, is_here, machine_id=next(named, ""))
        pieces = self._recorders.pieces(row.id).all
        try:
            encoder = encoder_of(self.encoders(), row.encoder)
            machine = machine_of(row.config, encoder.bundles[0])
            check_ = checked(machine, pieces, row.wanted_s, encoder.highest_khz)
        except RattleError:
            check_ = None
        progress = self._fitting.progress(row.id)
        return EnrolmentNow(row, True, self._recorders.heard(row.id), pieces, check_, progress)

    def _tell(self, id_: str, state: EnrolmentState) -> None:
        self._hub.publish("enrolment", id=id_, state=state)


def _is_due(last: datetime | None, now: datetime) -> bool:
    return last is None or abs((now - last).total_seconds()) >= LEVEL_EVERY_S
