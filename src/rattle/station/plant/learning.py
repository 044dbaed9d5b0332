"""Learn behind the ears: fit a head when people have said something, try it, swap it in.

    review -- due --> queue -- Learning -- fit (a second) -- gate -- candidate
    promote --------> queue -- Learning -- Promoting -- rows -- ears

One thread for all machines. What it makes follows from what is stored alone: where the station is
killed in between, it is done again at the next start; where the database is away, when it is back.
A release that was chosen is in use when the station ends, or at its next start; who kills it within
that second chooses again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from queue import SimpleQueue
from threading import Event, Thread

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.bundle.file import Bundle, write_bundle
from rattle.errors import RattleError, StorageError
from rattle.pages.words import counted
from rattle.runtime.scorer import Scorer
from rattle.station.events import Hub
from rattle.station.learn.candidate import fitted, learnt_from, tried, voice_of
from rattle.station.learn.incidents import Stood, incidents_of
from rattle.station.learn.labels import is_not_stored_yet
from rattle.station.learn.replay import Voice
from rattle.station.learn.report import gate_report
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import report_of
from rattle.station.plant.encoders import Encoders, remove
from rattle.station.plant.learnable import HEAD, Learnable, Learnables
from rattle.station.plant.promoting import Chosen, Promoting
from rattle.station.plant.releases import Release
from rattle.station.plant.roster import Roster
from rattle.station.store.audit import STATION
from rattle.station.store.database import Database
from rattle.station.store.releases import Offer, offer, set_gate, supersede, superseded_paths
from rattle.station.store.tables import ReleaseRow

_log = logging.getLogger(__name__)

RELEASES = "releases"
OFFERED = ("candidate", "refused")
# A database that is away is asked again so often.
AGAIN_S = 10.0


class Learning:
    """The thread that learns. ``due`` and ``promote`` return at once.

    encoders: those that workers train.
    """

    def __init__(
        self,
        database: Database,
        roster: Roster,
        ears: Assembly,
        hub: Hub,
        node: str,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._ears = database, roster.file, ears
        self._hub, self._now = hub, now
        self._learnables = Learnables(roster, ears.board, ears.releases, now)
        self.encoders = Encoders(database, self._file, self._learnables, node, self.due, now)
        self._promoting = Promoting(database, self._file, ears, self._learnables, now)
        self._queue: SimpleQueue[str | Chosen | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._too_early: set[str] = set()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="learning", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """End after what is in work."""
        self._stopped.set()
        self._queue.put(None)
        self._thread.join(patience_s)

    def due(self, machine_id: str) -> None:
        """Note that people have said something of a machine; another station's is left to it."""
        if machine_id in self._ears.ears_of and machine_id not in self._waiting:
            self._waiting.add(machine_id)
            self._queue.put(machine_id)

    def look_again(self) -> None:
        """Learn of machines of which a verdict came before the sound that it is of was stored."""
        while self._too_early:
            self.due(self._too_early.pop())

    def promote(self, release_id: str, who: str, reason: str) -> None:
        """Let a release take the place of its machine's live one.

        Raises ``DataError`` where that cannot be: it is live, or its file is gone.
        """
        self._queue.put(self._promoting.chosen(release_id, who, reason))

    def _run(self) -> None:
        while not self._stopped.is_set() and (job := self._queue.get()) is not None:
            try:
                self._do(job)
            except StorageError:  # the scribe says so
                self._stopped.wait(AGAIN_S)
                self._queue.put(job)
            except RattleError as error:
                self._failed(job, str(error))
            except Exception:
                # A fault of the program in one machine is not to end learning for all others.
                _log.exception("a job of learning failed")
                self._failed(job, "an error of the program, see its log")
        self._choose_the_rest()

    def _do(self, job: str | Chosen) -> None:
        if isinstance(job, str):
            self._waiting.discard(job)
            self._learn(job)
            return
        self._say(job.machine_id, "Taking another release into use.")
        is_new = self._promoting.promote(job)
        self._say(job.machine_id, "")
        if is_new:
            self._hub.publish("release", machine=job.machine_id, id=job.release_id, state="live")
        self.due(job.machine_id)  # what is offered is compared with the one in use

    def _failed(self, job: str | Chosen, why: str) -> None:
        is_learning = isinstance(job, str)
        machine_id = job if isinstance(job, str) else job.machine_id
        what = "Nothing was learnt" if is_learning else "No other release was taken into use"
        self._say(machine_id, f"{what}: {why}.")
        _log.warning("%s: %s: %s", machine_id, what, why)

    def _choose_the_rest(self) -> None:
        """Take into use what was chosen and waits still: nobody listens any more."""
        while not self._queue.empty():
            job = self._queue.get()
            if isinstance(job, Chosen):
                try:
                    self._promoting.promote(job)
                except RattleError as error:
                    _log.warning("a release that was chosen is not in use: %s", error)

    def _learn(self, machine_id: str) -> None:
        """Fit a head to all that was said, and try it; one that was fitted before is tried anew."""
        with self._database.reading() as session:
            stood = incidents_of(session, machine_id, self._now())
            learnt = learnt_from(stood)
            of = self._learnables.of(session, machine_id)
            known = None if of is None else _known(session, of, learnt)
        if of is None:
            return
        self.encoders.want(of, learnt)
        if self._try_encoder(of, stood):
            return  # heads are fitted to that one, as soon as it is in use
        if known is not None and known.state not in OFFERED:
            self._take_back(machine_id, "")  # what is offered learnt something else
            return
        if not learnt:
            self._unlearn(of, stood)
            return
        new = (each for each in stood if each.id in learnt)
        if any(is_not_stored_yet(self._file.data, each, self._now()) for each in new):
            self._too_early.add(machine_id)
            self._say(machine_id, TOO_EARLY)
            return
        self._learn_of(of, stood, learnt, known)

    def _learn_of(
        self,
        of: Learnable,
        stood: Sequence[Stood],
        learnt: Mapping[str, str],
        known: ReleaseRow | None,
    ) -> None:
        """Try the head that is ``known`` to have learnt just that, or a new one."""
        if known is None:
            self._say(of.id, f"Fitting a head to {counted(len(learnt), 'verdict')}.")
        ground = self._learnables.ground(of, stood)
        old = Voice.of(self._ears.releases[of.live_id].scorer)
        if known is None:
            head = fitted(ground, stood)
            if head is None:
                self._take_back(of.id, NOTHING_KEPT)
                return
            voice = voice_of(head.bundle)
            if voice.is_same(old):
                self._take_back(of.id, AS_IT_IS)
                return
            release_id = self._offer(of, head.bundle, learnt)
        else:
            release_id, voice = known.id, Voice.of(Scorer.load(self._file.data / known.path))
        self._say(of.id, "Trying the new head on all sound that is stored.")
        kept = self._learnables.stored(of, of.encoder, stood)
        gate, points = tried(ground, kept, old, voice)
        with self._database.writing() as session:
            report = gate_report(gate, stood, points)
            set_gate(session, release_id, report, is_refused=gate.state == "refused")
        self._say(of.id, "")
        self._hub.publish("release", machine=of.id, id=release_id, state=gate.state)
        if gate.state == "passed" and self._file.learn.policy == "gate":
            self.promote(release_id, STATION, PASSED)

    def _try_encoder(self, of: Learnable, stood: Sequence[Stood]) -> bool:
        """Try the encoder that a worker made, anew with each verdict; whether it is chosen."""
        tried = self.encoders.gated(of, stood, self._ears.releases[of.live_id].scorer)
        if tried is None:
            return False
        release_id, state = tried
        self._hub.publish("release", machine=of.id, id=release_id, state=state)
        is_chosen = state == "passed" and self._file.learn.policy == "gate"
        if is_chosen:
            self.promote(release_id, STATION, PASSED)
        return is_chosen

    def _unlearn(self, of: Learnable, stood: Sequence[Stood]) -> None:
        """Offer nothing, since there is no verdict to learn from; one in use that did is told."""
        with self._database.reading() as session:
            live = session.get_one(ReleaseRow, of.live_id)
        if live.kind == HEAD and live.learnt:
            self._take_back(of.id, TAKEN_BACK)
            if self._file.learn.policy == "gate":
                self.promote(of.base_id, STATION, UNLEARNT)
            return
        is_said = any(each.verdict in ("anomaly", "normal") for each in stood)
        self._take_back(of.id, ONLY_FOR_THE_TEST if is_said else "")

    def _take_back(self, machine_id: str, words: str) -> None:
        """Offer nothing any more, and say why."""
        with self._database.writing() as session:
            supersede(session, machine_id, HEAD)
        self._clean(machine_id)
        self._say(machine_id, words)

    def _offer(self, of: Learnable, bundle: Bundle, learnt: Mapping[str, str]) -> str:
        """Write a bundle beside the others, and its row."""
        path = self._file.data / RELEASES / f"{bundle.identity}.rattle"
        write_bundle(bundle, path)
        release = Release(Scorer.load(path), path)
        with self._database.writing() as session:
            release_id = offer(
                session,
                Offer(
                    machine_id=of.id,
                    kind=HEAD,
                    identity=bundle.identity,
                    encoder=release.encoder,
                    path=str(path.relative_to(self._file.data)),
                    parent_id=of.base_id,
                    report=report_of(release),
                    learnt=learnt,
                ),
                self._now(),
            )
        self._clean(of.id)
        return release_id

    def _clean(self, machine_id: str) -> None:
        """Remove the files of heads that are offered no more, and never were in use."""
        with self._database.reading() as session:
            paths = superseded_paths(session, machine_id)
        for path in paths:
            remove(self._file.data / path)

    def _say(self, machine_id: str, words: str) -> None:
        self._ears.board.set_machine(machine_id, learning=words)
        self._hub.publish("machine", machine=machine_id, learning=words)


def _known(session: Session, of: Learnable, learnt: Mapping[str, str]) -> ReleaseRow | None:
    """Find the head that learnt from just that: offered, in use, or taken out of use by a person.

    The last is not offered anew by itself.
    """
    tried = ReleaseRow.state.in_([*OFFERED, "live", "retired"])
    of_base = (ReleaseRow.machine_id == of.id) & (ReleaseRow.parent_id == of.base_id)
    of_base &= ReleaseRow.kind == HEAD
    rows = session.scalars(select(ReleaseRow).where(of_base, tried))
    return next((row for row in rows if learnt and row.learnt == dict(learnt)), None)


UNLEARNT = 'what the head in use had learnt from was taken back, and the policy is "gate"'
TAKEN_BACK = (
    "What the head in use had learnt from was taken back. To go back, open the release that was in "
    "use before it, and choose it."
)
PASSED = 'the gate is passed, and the policy is "gate"'
TOO_EARLY = (
    "The reviewed incident began a moment ago: it is learnt from within two minutes, when its "
    "first minute of sound is stored."
)
ONLY_FOR_THE_TEST = (
    "Nothing was learnt yet: what was reviewed so far is kept for the test, as is a third of all "
    "incidents, chosen by hash. A head is fitted with the first verdict on another one."
)
NOTHING_KEPT = (
    "Nothing was learnt: of the reviewed incidents no embedding is kept by this encoder any more."
)
AS_IT_IS = "Nothing is to be changed by what was reviewed so far: that head is in use already."
