"""Choose what a worker trains a machine's encoder on, and what its gate hears.

    reviewed incidents ── a recording each ── two thirds to learn from, the others the test
    kept sound ── every third hour ── to learn from, with some of each machine of its fleet
              └── the other hours ── what the gate hears

What is learnt from is never what judges. Sound around what may have been a fault is not learnt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import Verdict
from rattle.scoring.budget.minutes import CALM_MINUTES
from rattle.scoring.head import evenly
from rattle.station.learn.incidents import Stood
from rattle.station.learn.replay import LONGEST
from rattle.station.store.flac import SUFFIX
from rattle.station.store.kept_sound import KeptPiece, pieces
from rattle.station.store.tables import ClipRow, IncidentRow

# One hour of so many is learnt from.
LEARNT_HOURS = 3
# Pieces at most: of the machine to learn from, of each other machine, and for the gate, a week's.
MOST_LEARNT, MOST_OF_OTHERS, MOST_HEARD = 96, 32, 1008
# Incidents whose recordings are learnt from or tried at most, the newest first.
MOST_INCIDENTS = 200
AROUND = timedelta(minutes=CALM_MINUTES)
MILLISECOND = timedelta(milliseconds=1)
KEPT = re.compile(r"([0-9A-Z]{26})-(\d{1,14})" + re.escape(SUFFIX))
RECORDED = re.compile(r"([0-9a-f]{64})" + re.escape(SUFFIX))


@dataclass(frozen=True)
class Recorded:
    """A reviewed incident's recording; ``opened_s`` and ``ended_s`` are where it is in it."""

    file: str
    incident_id: str
    source_id: str
    verdict: Verdict
    is_test: bool
    begins: datetime
    opened_s: float
    ended_s: float


@dataclass(frozen=True)
class Piece:
    """Kept sound of a ``machine``, as its bundle names it; ``is_learnt``, or else heard."""

    file: str
    source_id: str
    machine: str
    is_learnt: bool
    begins: datetime


@dataclass(frozen=True)
class Material:
    """What there is to train on and to judge by; files are named as ``find`` knows them."""

    recorded: Sequence[Recorded]
    kept: Sequence[Piece]


@dataclass(frozen=True)
class Sound:
    """A file of a material: whose sound it is and from when; of which incident, if of one."""

    path: Path
    source_id: str
    begins: datetime
    incident_id: str | None


def gather(
    session: Session,
    data: Path,
    stood: Sequence[Stood],
    sources: Mapping[str, Sequence[str]],
    machine: str,
    now: datetime,
) -> Material:
    """List what lies in the ``data`` folder of a machine's reviewed incidents and kept sound.

    ``sources`` are those of each machine whose sound is of use, by what bundles call it;
    ``machine`` is the one whose encoder is trained. What is listed may be gone when it is read.
    """
    kept: list[Piece] = []
    for name, source_ids in sources.items():
        found = [
            piece
            for source_id in source_ids
            for piece in pieces(data, source_id, now - LONGEST, now)
        ]
        doubtful = _doubtful(session, source_ids)
        learnt = [each for each in found if _is_learnt(each) and not doubtful(each)]
        if name == machine:
            heard = [each for each in found if not _is_learnt(each)]
            chosen = [*_some(learnt, MOST_LEARNT), *_some(heard, MOST_HEARD)]
        else:
            chosen = _some(learnt, MOST_OF_OTHERS)
        for each in chosen:
            piece = Piece(_name(each), each.source_id, name, _is_learnt(each), each.begins)
            kept.append(piece)
    return Material(recordings(session, data, stood), kept)


def find(session: Session, data: Path, name: str, source_ids: Collection[str]) -> Sound | None:
    """Find a file that a material names, of these sources; None where there is none any more."""
    kept, recorded = KEPT.fullmatch(name), RECORDED.fullmatch(name)
    if kept is not None and kept[1] in source_ids:
        begins = datetime.fromtimestamp(int(kept[2]) / 1000, UTC)
        found = pieces(data, kept[1], begins, begins + MILLISECOND)
        return Sound(found[0].path, kept[1], begins, None) if found else None
    if recorded is None:
        return None
    row = session.scalars(
        select(ClipRow)
        .where(
            ClipRow.sha256 == recorded[1],
            ClipRow.source_id.in_(source_ids),
            ClipRow.incident_id.is_not(None),
        )
        .order_by(ClipRow.start)
        .limit(1)
    ).first()
    if row is None or not (data / row.path).is_file():
        return None
    return Sound(data / row.path, row.source_id, row.start, row.incident_id)


def recordings(session: Session, data: Path, stood: Sequence[Stood]) -> list[Recorded]:
    """Of each reviewed incident the recording that holds its highest score, where one is here."""
    reviewed = [each for each in stood if each.verdict in ("anomaly", "normal")]
    newest = {each.id: each for each in reviewed[-MOST_INCIDENTS:]}
    rows = session.scalars(
        select(ClipRow)
        .where(ClipRow.incident_id.in_(newest), ~ClipRow.missing)
        .order_by(ClipRow.start, ClipRow.id)
    )
    best: dict[str, ClipRow] = {}
    for row in rows:
        of = str(row.incident_id)
        if (data / row.path).is_file() and (of not in best or _peak(row) > _peak(best[of])):
            best[of] = row
    found = []
    for id_, row in best.items():
        each = newest[id_]
        assert each.verdict is not None  # noqa: S101 - chosen above
        recording = Recorded(
            file=f"{row.sha256}{SUFFIX}",
            incident_id=id_,
            source_id=row.source_id,
            verdict=each.verdict,
            is_test=each.is_test,
            begins=row.start,
            opened_s=max((each.opened - row.start).total_seconds(), 0.0),
            ended_s=min((each.ended - row.start).total_seconds(), row.seconds),
        )
        found.append(recording)
    return found


def _peak(row: ClipRow) -> float:
    return -float("inf") if row.peak is None else row.peak


def _doubtful(session: Session, source_ids: Sequence[str]) -> Callable[[KeptPiece], bool]:
    """Tell which pieces were heard near what was, or may have been, a fault."""
    rows = session.execute(
        select(IncidentRow.source_id, IncidentRow.opened, IncidentRow.ended).where(
            IncidentRow.source_id.in_(source_ids),
            IncidentRow.kind == "machine",
            (IncidentRow.verdict.is_(None) & (IncidentRow.level != "moment"))
            | IncidentRow.verdict.in_(["anomaly", "unsure"]),
        )
    ).all()

    def is_near(piece: KeptPiece) -> bool:
        return any(
            source_id == piece.source_id
            and opened - AROUND <= piece.begins
            and (ended is None or piece.begins <= ended + AROUND)
            for source_id, opened, ended in rows
        )

    return is_near


def _is_learnt(piece: KeptPiece) -> bool:
    return int(piece.begins.timestamp() // 3600) % LEARNT_HOURS == 0


def _some(found: Sequence[KeptPiece], most: int) -> list[KeptPiece]:
    return [found[place] for place in evenly(len(found), most)]


def _name(piece: KeptPiece) -> str:
    """Name a piece by its source and time, in milliseconds."""
    return f"{piece.source_id}-{round(piece.begins.timestamp() * 1000)}{SUFFIX}"
