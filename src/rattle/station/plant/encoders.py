"""Have encoders trained: ask workers for them, give what they train on, take what they made.

    verdicts ─▶ job ─▶ worker ── material, files ──▶ trains ── bundle, embeddings ──▶ release
                                                                      gate ◀── kept sound

A worker may be anywhere and knows the station's API alone. What it sends is checked as any bundle
is, and no more than offered; the gate is the station's own (``learn.encoder``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from rattle.errors import DataError, RattleError
from rattle.pages.words import counted
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.threshold import SCORES_AGREE_WITHIN
from rattle.station.config.model import Plant
from rattle.station.learn.candidate import learnt_from
from rattle.station.learn.encoder import tried_encoder
from rattle.station.learn.incidents import Stood, incidents_of
from rattle.station.learn.material import Material, find, gather
from rattle.station.learn.pieces import Embedded, HeardPiece, read_heard, write_heard
from rattle.station.learn.replay import Voice
from rattle.station.learn.report import gate_report
from rattle.station.plant.beginning import report_of
from rattle.station.plant.learnable import Learnable, Learnables, root_of
from rattle.station.plant.releases import Release, take_into_use
from rattle.station.plant.sent import unpacked
from rattle.station.store import jobs
from rattle.station.store.database import Database
from rattle.station.store.releases import (
    Offer,
    offer,
    set_gate,
    supersede,
    superseded_paths,
)
from rattle.station.store.tables import JobRow, MachineRow, ReleaseRow, SourceRow

RELEASES = "releases"
OFFERED = ("gating", "candidate", "refused")
# What a worker calls the two bundles.
BASE, LIVE = "base.rattle", "live.rattle"


class Encoders:
    """The encoders of a station's machines that are, or are to be, trained by workers.

    node: the station, as jobs name it. ``want`` and ``gated`` are the learning thread's, all else
    is for any.
    """

    def __init__(
        self,
        database: Database,
        file: Plant,
        learnables: Learnables,
        node: str,
        made: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """``made`` is told of which machine a training has ended."""
        self._database, self._file, self.node, self._now = database, file, node, now
        self._made = made
        self._learnables = learnables

    def want(self, of: Learnable, learnt: Mapping[str, str]) -> None:
        """Ask for an encoder that learns from these verdicts; take back one that learnt others.

        With none, no encoder is wanted any more.
        """
        with self._database.reading() as session:
            if not learnt and not jobs.is_wanted(session, of.id) and not _offered(session, of.id):
                return
        with self._database.writing() as session:
            offered = _offered(session, of.id)
            if offered is not None and not _holds(offered.learnt or {}, learnt):
                supersede(session, of.id, "encoder")
            if learnt:
                jobs.want(session, jobs.Wanted(of.id, of.root_id, self.node, learnt), self._now())
            else:
                jobs.drop(session, of.id, "its verdicts were taken back", self._now())
        self._clean(of.id)

    def material(self, job_id: str) -> Material:
        """List what a job's worker trains on and hears."""
        with self._database.reading() as session:
            job = session.get_one(JobRow, job_id)
            root = session.get_one(ReleaseRow, job.base_id)
            stood = incidents_of(session, job.machine_id, self._now())
            sources = _sources_of_fleet(session, root)
            name = str(root.report["machine"])
            return gather(session, self._file.data, stood, sources, name, self._now())

    def file_of(self, job_id: str, name: str) -> Path | None:
        """Find a file of a job's material, or one of its two bundles; None where it is gone."""
        data = self._file.data
        with self._database.reading() as session:
            job = session.get_one(JobRow, job_id)
            root = session.get_one(ReleaseRow, job.base_id)
            if name == BASE:
                path = data / root.path
            elif name == LIVE:
                path = data / _live(session, job.machine_id).path
            else:
                ids = [each for of in _sources_of_fleet(session, root).values() for each in of]
                found = find(session, data, name, ids)
                if found is None:
                    return None
                path = found.path
        return path if path.is_file() else None

    def take(self, job_id: str, worker: str, upload: Path) -> bool:
        """Offer what a worker made of a job; False where the job is not its own any more.

        Raises ``RattleError`` where that is no encoder of the machine.
        """
        with self._database.reading() as session:
            row = jobs.running(session, job_id, worker)
            if row is None:
                return False
            stood = incidents_of(session, row.machine_id, self._now())
            root = session.get_one(ReleaseRow, row.base_id)
            live = _live(session, row.machine_id)
        if not _holds(row.learnt, learnt_from(stood)):
            return self._dropped(row, "what it learnt from holds no more")
        with unpacked(upload) as sent:
            _check(Scorer.load(sent.bundle), root)
            if sent.made.encoder != live.encoder:
                return self._dropped(row, "another encoder came into use meanwhile")
            release = take_into_use(sent.bundle, self._file.data / RELEASES)
            heard = self._heard(row.machine_id, sent.made.files, release)
        write_heard(heard_of(release.path), heard)
        with self._database.writing() as session:
            if jobs.running(session, job_id, worker) is None:
                return False
            release_id = offer(
                session,
                Offer(
                    machine_id=row.machine_id,
                    kind="encoder",
                    identity=release.scorer.identity,
                    encoder=release.encoder,
                    path=str(release.path.relative_to(self._file.data)),
                    parent_id=root.id,
                    report=report_of(release),
                    learnt=row.learnt,
                ),
                self._now(),
            )
            said = f"an encoder that learnt from {counted(len(row.learnt), 'verdict')} is offered"
            jobs.finish(session, job_id, release_id, said, self._now())
        self._clean(row.machine_id)
        self._made(row.machine_id)
        return True

    def _dropped(self, job: JobRow, why: str) -> bool:
        with self._database.writing() as session:
            jobs.finish(session, job.id, None, why, self._now())
        self._made(job.machine_id)
        return True

    def gated(self, of: Learnable, stood: Sequence[Stood], old: Scorer) -> tuple[str, str] | None:
        """Try the encoder that is offered against the one in use: its id, and what the gate says.

        None where none is offered, or its file is gone.
        """
        with self._database.reading() as session:
            offered = _offered(session, of.id)
            sources = [*session.scalars(_listed(of.id))]
        if offered is None:
            return None
        path = self._file.data / offered.path
        heard = read_heard(heard_of(path))
        if not heard:
            return None
        gate = tried_encoder(
            heard,
            stood,
            sources,
            Voice.of(old),
            Voice.of(Scorer.load(path)),
            AlarmRule.parse(of.machine.alarm),
            of.machine.false_alarms_per_week,
        )
        with self._database.writing() as session:
            report = gate_report(gate, stood, [])
            set_gate(session, offered.id, report, is_refused=gate.state == "refused")
        return offered.id, gate.state

    def _heard(
        self, machine_id: str, files: Mapping[str, Embedded], release: Release
    ) -> list[HeardPiece]:
        """Say of what both encoders made of the machine's sound when, and of which incident."""
        found = []
        with self._database.reading() as session:
            sources = [*session.scalars(_listed(machine_id))]
            for name, (ends, old, new) in files.items():
                sound = find(session, self._file.data, name, sources)
                if sound is not None:
                    at = sound.begins.timestamp() + ends
                    found.append(HeardPiece(sound.source_id, sound.incident_id, at, old, new))
        if not found:
            raise DataError("the sound that was heard is not kept any more")
        if found[0].new.shape[1] != release.scorer.head.dimensions:
            raise DataError("the embeddings that were sent are not of the bundle's encoder")
        return found

    def _clean(self, machine_id: str) -> None:
        with self._database.reading() as session:
            paths = superseded_paths(session, machine_id)
        for path in paths:
            remove(self._file.data / path)


def heard_of(bundle: Path) -> Path:
    """Where it is kept what a release's encoder, and the one before, made of kept sound."""
    return bundle.with_suffix(".heard.npz")


def remove(bundle: Path) -> None:
    """Remove a bundle that is offered no more, and what is kept beside it."""
    bundle.unlink(missing_ok=True)
    heard_of(bundle).unlink(missing_ok=True)


def _check(scorer: Scorer, root: ReleaseRow) -> None:
    """Raise where a bundle is none of the machine's, or scores otherwise than it states."""
    info = scorer.info
    if (info.machine, info.provenance.parent) != (root.report["machine"], root.identity):
        raise DataError(
            f"the bundle is of {info.machine} and another parent; expected one of "
            f"{root.report['machine']} that set out from {root.identity[:12]}"
        )
    difference = scorer.verify()
    if not difference <= SCORES_AGREE_WITHIN:
        raise RattleError(
            f"the bundle scores its stored clips otherwise than it states, by {difference:.2g}"
        )


def _holds(learnt: Mapping[str, str], said: Mapping[str, str]) -> bool:
    """Whether people still say all that was learnt."""
    return all(said.get(incident) == verdict for incident, verdict in learnt.items())


def _offered(session: Session, machine_id: str) -> ReleaseRow | None:
    offered = (ReleaseRow.machine_id == machine_id) & ReleaseRow.state.in_(OFFERED)
    return session.scalar(select(ReleaseRow).where(offered, ReleaseRow.kind == "encoder").limit(1))


def _live(session: Session, machine_id: str) -> ReleaseRow:
    machine = session.get_one(MachineRow, machine_id)
    return session.get_one(ReleaseRow, str(machine.live_release_id))


def _listed(machine_id: str) -> Select[str]:
    return select(SourceRow.id).where(SourceRow.machine_id == machine_id, SourceRow.listed)


def _sources_of_fleet(session: Session, root: ReleaseRow) -> dict[str, list[str]]:
    """Find the sources of a machine and of those trained with it, by what bundles call these."""
    found: dict[str, list[str]] = {str(root.report["machine"]): []}
    rows = session.execute(
        select(SourceRow.id, SourceRow.machine_id, ReleaseRow)
        .join(MachineRow, MachineRow.id == SourceRow.machine_id)
        .join(ReleaseRow, ReleaseRow.id == MachineRow.live_release_id)
        .where(SourceRow.listed)
        .order_by(SourceRow.id)
    )
    for source_id, machine_id, live in rows:
        its = root if machine_id == root.machine_id else root_of(session, live)
        name = str(its.report.get("machine", ""))
        is_other = its.encoder == root.encoder and name != root.report["machine"]
        if machine_id == root.machine_id or is_other:
            found.setdefault(name, []).append(source_id)
    return found
