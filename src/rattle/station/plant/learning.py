"""Learn behind the ears: fit a head when people have said something, try it, swap it in.

    review -- due --> queue -- Learning -- fit (a second) -- gate -- candidate
    promote --------> queue -- Learning -- replay -- rows -- ears

One thread for all machines. What it makes follows from what is stored alone: where the station is
killed in between, it is done again at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.bundle.file import Bundle, read_bundle, write_bundle
from rattle.bundle.known import stacked
from rattle.errors import DataError, RattleError
from rattle.pages.words import counted
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.station.config.model import Machine, Plant
from rattle.station.events import Hub
from rattle.station.learn.candidate import (
    Stored,
    curve,
    fitted,
    learnt_from,
    past_of,
    shown,
    voice_of,
)
from rattle.station.learn.carry import carried
from rattle.station.learn.gate import Source
from rattle.station.learn.incidents import Stood, incidents_of
from rattle.station.learn.labels import Base
from rattle.station.learn.replay import Voice, hop_seconds, stored
from rattle.station.learn.report import gate_report
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import report_of
from rattle.station.plant.releases import Release
from rattle.station.store.audit import STATION
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.releases import Offer, Past, offer, promote, set_gate, supersede
from rattle.station.store.tables import MachineRow, ReleaseRow, StretchRow

_log = logging.getLogger(__name__)

HEAD = "head"
RELEASES = "releases"


@dataclass(frozen=True)
class _Of:
    """A machine, its live release, and the one that its heads set out from."""

    machine: Machine
    id: str
    live_id: str
    base: Base
    bundle: Bundle
    scorer: Scorer


@dataclass(frozen=True)
class _Chosen:
    release_id: str
    who: str
    reason: str


class Learning:
    """The thread that learns. ``due`` and ``promote`` return at once."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        ears: Assembly,
        hub: Hub,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._ears, self._hub, self._now = (
            database,
            file,
            ears,
            hub,
            now,
        )
        self._queue: SimpleQueue[str | _Chosen | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._stopped = False
        self._bundles: dict[str, tuple[Bundle, Scorer]] = {}
        self._thread = Thread(target=self._run, name="learning", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """End after what is in work."""
        self._stopped = True
        self._queue.put(None)
        self._thread.join(patience_s)

    def due(self, machine_id: str) -> None:
        """Note that people have said something of a machine; another station's is left to it."""
        if machine_id in self._ears.ears_of and machine_id not in self._waiting:
            self._waiting.add(machine_id)
            self._queue.put(machine_id)

    def promote(self, release_id: str, who: str, reason: str) -> None:
        """Let a release take the place of its machine's live one.

        Raises ``DataError`` where that cannot be: it is live, its file is gone, another encoder's.
        """
        with self._database.reading() as session:
            row = session.get(ReleaseRow, release_id)
            machine = None if row is None else session.get(MachineRow, row.machine_id)
            if row is None or machine is None:
                raise DataError(f"there is no release {release_id}; reload the page and look again")
            if machine.id not in self._ears.ears_of:
                raise DataError(
                    f"{machine.name} is not listened to by this station; choose the release on the "
                    "page of the one that does"
                )
            if machine.live_release_id == row.id:
                raise DataError(f"{machine.name} uses this release already")
            if not (self._file.data / row.path).exists():
                raise DataError("the file of this release is not there any more; choose another")
        self._queue.put(_Chosen(release_id, who, reason))

    def _run(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopped:
            machine_id = job if isinstance(job, str) else self._machine_of(job.release_id)
            try:
                if isinstance(job, str):
                    self._waiting.discard(job)
                    self._learn(job)
                else:
                    self._promote(machine_id, job)
            except RattleError as error:
                self._say(machine_id, f"Nothing was learnt: {error}.")
                _log.warning("nothing was learnt of %s: %s", machine_id, error)
            except Exception:
                # A fault of the program in one machine is not to end learning for all others.
                self._say(machine_id, "Nothing was learnt: an error of the program, see its log.")
                _log.exception("nothing was learnt of %s", machine_id)

    def _learn(self, machine_id: str) -> None:
        """Fit a head to all that was said, and try it."""
        with self._database.reading() as session:
            stood = incidents_of(session, machine_id, self._now())
            learnt = learnt_from(stood)
            of = self._of(session, machine_id)
            if of is None or _is_known(session, of, learnt):
                return
        head = None
        if learnt:
            self._say(machine_id, f"Fitting a head to {counted(len(learnt), 'verdict')}.")
            head = fitted(self._file.data, of.bundle, of.scorer, stood, of.base)
        if head is None:
            with self._database.writing() as session:
                supersede(session, machine_id)
            self._say(machine_id, NOTHING_KEPT if learnt else "")
            return
        release_id = self._offer(of, head.bundle, learnt)
        self._say(machine_id, "Trying the new head on all sound that is stored.")
        state = self._try(of, release_id, voice_of(head.bundle), stood)
        self._say(machine_id, "")
        self._hub.publish("release", machine=machine_id, id=release_id, state=state)
        if state == "passed" and self._file.learn.policy == "gate":
            self.promote(release_id, STATION, 'the gate is passed, and the policy is "gate"')

    def _of(self, session: Session, machine_id: str) -> _Of | None:
        row = session.get_one(MachineRow, machine_id)
        machine = next((each for each in self._file.machine if each.name == row.name), None)
        live = None if row.live_release_id is None else session.get(ReleaseRow, row.live_release_id)
        if machine is None or live is None:
            return None
        base = live
        while base.kind == HEAD and base.parent_id is not None:
            base = session.get_one(ReleaseRow, base.parent_id)
        bundle, scorer = self._opened(self._file.data / base.path)
        rule = AlarmRule.parse(machine.alarm)
        of_base = Base(base.id, base.encoder, Voice.of(scorer), rule)
        return _Of(machine, machine_id, live.id, of_base, bundle, scorer)

    def _opened(self, path: Path) -> tuple[Bundle, Scorer]:
        """Read a base, once: there is one a machine."""
        key = path.name
        if key not in self._bundles:
            self._bundles[key] = (read_bundle(path), Scorer.load(path))
        return self._bundles[key]

    def _offer(self, of: _Of, bundle: Bundle, learnt: Mapping[str, str]) -> str:
        """Write a bundle beside the others, and its row."""
        path = self._file.data / RELEASES / f"{bundle.identity}.rattle"
        write_bundle(bundle, path)
        release = Release(Scorer.load(path), path)
        with self._database.writing() as session:
            return offer(
                session,
                Offer(
                    machine_id=of.id,
                    identity=bundle.identity,
                    encoder=release.encoder,
                    path=str(path.relative_to(self._file.data)),
                    parent_id=of.base.release_id,
                    report=report_of(release),
                    learnt=learnt,
                ),
                self._now(),
            )

    def _try(self, of: _Of, release_id: str, new: Voice, stood: list[Stood]) -> str:
        """Show what a head would change; gives what the gate says."""
        kept = self._stored(of, stood)
        live = self._ears.releases[of.live_id].scorer
        gate = shown(kept, Voice.of(live), new, of.base, hop_seconds(of.scorer))
        points = curve(self._file.data, of.bundle, of.scorer, kept, of.base)
        with self._database.writing() as session:
            report = gate_report(gate, stood, points)
            state = "refused" if gate.state == "refused" else "candidate"
            set_gate(session, release_id, report, state)
        return gate.state

    def _stored(self, of: _Of, stood: list[Stood]) -> Stored:
        sources = {
            source.id: stored(self._file.data, source.id, of.base.encoder, self._now())
            for source in self._ears.board.machine(of.id).sources  # type: ignore[union-attr]
        }
        return Stored(sources, stood, of.machine.false_alarms_per_week)

    def _promote(self, machine_id: str, chosen: _Chosen) -> None:
        """Take a release into use: what it makes of the sound before, its rows, the ears."""
        with self._database.reading() as session:
            row = session.get_one(ReleaseRow, chosen.release_id)
            path, encoder = self._file.data / row.path, row.encoder
            stood = incidents_of(session, machine_id, self._now())
            of = self._of(session, machine_id)
            before = {
                source_id: account_of(session, source_id, row_id)
                for source_id, row_id in self._ears.in_use.items()
                if of is not None and row_id == of.live_id
            }
        if of is None:
            return
        self._say(machine_id, "Taking another release into use.")
        release = Release(Scorer.load(path), path)
        base = Base(chosen.release_id, encoder, Voice.of(release.scorer), of.base.rule)
        kept = self._stored(replace(of, base=base), stood)
        heard = kept.heard_by(base.voice, base, hop_seconds(release.scorer))
        old = Voice.of(self._ears.releases[of.live_id].scorer)
        healthy = stacked(of.bundle.known.held_out, base.voice.head.dimensions)
        pasts = []
        for source in heard:
            more = before[source.source_id].minutes
            more = more[: max(len(more) - len(source.heard.minutes), 0)]
            earlier = carried(more, old, base.voice, healthy)
            pasts.append(_past(source, earlier, chosen.release_id))
        with self._database.writing() as session:
            promote(session, chosen.release_id, pasts, chosen.who, chosen.reason, self._now())
        with self._database.reading() as session:
            accounts = {
                past.source_id: account_of(session, past.source_id, chosen.release_id)
                for past in pasts
            }
        self._ears.swap(of.machine, machine_id, chosen.release_id, release, accounts)
        self._say(machine_id, "")
        self._hub.publish("release", machine=machine_id, id=chosen.release_id, state="live")
        self.due(machine_id)  # what is offered is compared with the one in use

    def _machine_of(self, release_id: str) -> str:
        with self._database.reading() as session:
            return session.get_one(ReleaseRow, release_id).machine_id

    def _say(self, machine_id: str, words: str) -> None:
        self._ears.board.set_machine(machine_id, learning=words)
        self._hub.publish("machine", machine=machine_id, learning=words)


def _past(source: Source, earlier: Values, release_id: str) -> Past:
    """What a release makes of a source's sound; ``earlier`` minutes are carried over."""
    stretches = [
        StretchRow(
            source_id=source.source_id,
            release_id=release_id,
            level=incident.level,
            first=len(earlier) + incident.first,
            incident_id=incident_id,
            last=len(earlier) + incident.last,
            peak=incident.peak,
            threshold=incident.threshold,
        )
        for incident_id, incident in past_of(source)
    ]
    return Past(source.source_id, np.concatenate([earlier, source.heard.minutes]), stretches)


def _is_known(session: Session, of: _Of, learnt: Mapping[str, str]) -> bool:
    """Whether a head that learnt from just that was tried: it is offered, in use, or was.

    One that a person took out of use is not offered anew by itself.
    """
    tried = ReleaseRow.state.in_(["candidate", "refused", "live", "retired"])
    of_base = (ReleaseRow.machine_id == of.id) & (ReleaseRow.parent_id == of.base.release_id)
    rows = session.scalars(select(ReleaseRow.learnt).where(of_base, tried))
    return bool(learnt) and any(row == dict(learnt) for row in rows)


NOTHING_KEPT = (
    "Nothing was learnt: of the reviewed incidents no embedding is kept by this encoder any more."
)
