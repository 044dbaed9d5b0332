"""Read incidents, with their recordings, and what people said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.scoring.budget.ledger import IncidentLevel, Verdict
from rattle.station.records import ClipUse, IncidentKind, IncidentState
from rattle.station.store.reading.views import (
    ClipView,
    IncidentView,
    Neighbour,
    ReviewVerdict,
    ReviewView,
)
from rattle.station.store.tables import (
    ClipRow,
    IncidentRow,
    MachineRow,
    ReleaseRow,
    ReviewRow,
    SourceRow,
    ThresholdRow,
)

MOST_COMPARED = 2000

VerdictAsked = Literal["anomaly", "normal", "unsure", "none"]
_Query = Select[*tuple[Any, ...]]


def incidents(
    session: Session,
    *,
    machine_id: str | None = None,
    source_id: str | None = None,
    kind: IncidentKind | None = None,
    level: IncidentLevel | None = None,
    verdict: VerdictAsked | None = None,
    state: IncidentState | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[IncidentView]:
    """List incidents, the newest first; ``verdict="none"`` is those that nobody reviewed.

    Moments, which raised nothing, are listed where their level is asked for, and not else. Of a
    span from ``begin`` to ``end`` are those that went on at any time in it. ``before`` is the last
    incident's id of the page before. Raises ``DataError`` where there is no incident of that id.
    """
    query = _incidents()
    for column, value in (
        (IncidentRow.machine_id, machine_id),
        (IncidentRow.source_id, source_id),
        (IncidentRow.kind, kind),
        (IncidentRow.level, level),
        (IncidentRow.state, state),
    ):
        if value is not None:
            query = query.where(column == value)
    if level is None:
        query = query.where(IncidentRow.level != "moment")
    if verdict is not None:
        query = query.where(IncidentRow.verdict == (None if verdict == "none" else verdict))
    if begin is not None:
        query = query.where(or_(IncidentRow.ended.is_(None), IncidentRow.ended >= begin))
    if end is not None:
        query = query.where(IncidentRow.opened <= end)
    if before is not None:
        last = session.get(IncidentRow, before)
        if last is None:
            raise DataError(f"there is no incident {before!r} to list those before it")
        query = query.where(
            or_(
                IncidentRow.opened < last.opened,
                and_(IncidentRow.opened == last.opened, IncidentRow.id < last.id),
            )
        )
    query = query.order_by(IncidentRow.opened.desc(), IncidentRow.id.desc()).limit(limit)
    return _views(session, query)


def incident(session: Session, incident_id: str) -> IncidentView | None:
    """Read one incident; None where there is none of that id."""
    found = _views(session, _incidents().where(IncidentRow.id == incident_id))
    return found[0] if found else None


def incidents_of(session: Session, incident_ids: Sequence[str]) -> dict[str, IncidentView]:
    """Read incidents by their ids; those that are not there are left out."""
    found = _views(session, _incidents().where(IncidentRow.id.in_(incident_ids)))
    return {each.id: each for each in found}


def nearest(session: Session, incident_id: str, limit: int = 5) -> list[Neighbour]:
    """List the past incidents whose sound at the peak is nearest to this one's, the nearest first.

    Only sounds of one encoder can be compared; the 2,000 newest are. Empty where this one has no
    embedding.
    """
    embedding = (
        select(IncidentRow.peak_z, ReleaseRow.encoder, IncidentRow.opened)
        .join(ReleaseRow, IncidentRow.release_id == ReleaseRow.id)
        .where(IncidentRow.id == incident_id, IncidentRow.peak_z.is_not(None))
    )
    this = session.execute(embedding).one_or_none()
    if this is None:
        return []
    z, encoder, opened = embedding_of(this[0]), this[1], this[2]
    query = (
        select(IncidentRow.id, IncidentRow.peak_z)
        .join(ReleaseRow, IncidentRow.release_id == ReleaseRow.id)
        .where(
            ReleaseRow.encoder == encoder,
            IncidentRow.kind == "machine",
            IncidentRow.id != incident_id,
            IncidentRow.opened <= opened,
            func.length(IncidentRow.peak_z) == 2 * len(z),
        )
        .order_by(IncidentRow.opened.desc())
        .limit(MOST_COMPARED)
    )
    past = session.execute(query).all()
    if not past:
        return []
    others = np.stack([embedding_of(each) for _, each in past])
    distances = np.linalg.norm(others - z, axis=1)
    order = np.argsort(distances, kind="stable")[:limit]
    ids = [past[place][0] for place in order]
    views = incidents_of(session, ids)
    return [Neighbour(views[past[place][0]], float(distances[place])) for place in order]


def reviews_of(session: Session, incident_id: str) -> list[ReviewView]:
    """List what people said of an incident, the newest first."""
    query = select(ReviewRow).where(ReviewRow.incident_id == incident_id)
    rows = session.scalars(query.order_by(ReviewRow.at.desc(), ReviewRow.id.desc())).all()
    undone = {row.undoes for row in rows}
    return [
        ReviewView(
            row.id,
            row.incident_id,
            row.at,
            row.who,
            cast(ReviewVerdict, row.verdict),
            row.fault,
            row.comment,
            row.undoes,
            row.id in undone,
        )
        for row in rows
    ]


def incident_of_review(session: Session, review_id: str) -> str | None:
    """Name the incident that a review is of; None where there is no such review."""
    row = session.get(ReviewRow, review_id)
    return None if row is None else row.incident_id


def counts_by_verdict(
    session: Session, machine_id: str | None = None, source_id: str | None = None
) -> dict[VerdictAsked, int]:
    """Count the incidents of a machine or source, or all, by verdict; microphones' do not count.

    Nor do moments.
    """
    of_machine = (IncidentRow.kind == "machine") & (IncidentRow.level != "moment")
    query = select(IncidentRow.verdict, func.count()).where(of_machine)
    if machine_id is not None:
        query = query.where(IncidentRow.machine_id == machine_id)
    if source_id is not None:
        query = query.where(IncidentRow.source_id == source_id)
    counts: dict[VerdictAsked, int] = {"anomaly": 0, "normal": 0, "unsure": 0, "none": 0}
    for verdict, count in session.execute(query.group_by(IncidentRow.verdict)):
        counts[cast(VerdictAsked, verdict or "none")] = count
    return counts


def faults_named(session: Session) -> list[str]:
    """List the names that people gave to faults, the most frequent first."""
    query = (
        select(IncidentRow.fault)
        .where(IncidentRow.fault.is_not(None), IncidentRow.fault != "")
        .group_by(IncidentRow.fault)
        .order_by(func.count().desc(), IncidentRow.fault)
    )
    return [fault for fault in session.scalars(query) if fault is not None]


def _incidents() -> _Query:
    return (
        select(IncidentRow, MachineRow.name, SourceRow.name, ThresholdRow.value)
        .join(MachineRow, IncidentRow.machine_id == MachineRow.id)
        .join(SourceRow, IncidentRow.source_id == SourceRow.id)
        .outerjoin(ThresholdRow, IncidentRow.threshold_id == ThresholdRow.id)
    )


def _views(session: Session, query: _Query) -> list[IncidentView]:
    rows = session.execute(query).all()
    clips = _clips(session, [row.id for row, *_ in rows])
    return [
        IncidentView(
            id=row.id,
            machine_id=row.machine_id,
            machine=machine,
            source_id=row.source_id,
            source=source,
            subject=row.subject,
            kind=cast(IncidentKind, row.kind),
            level=cast(IncidentLevel, row.level),
            state=cast(IncidentState, row.state),
            opened=row.opened,
            ended=row.ended,
            peak=row.peak,
            peak_at=row.peak_at,
            release_id=row.release_id,
            threshold_id=row.threshold_id,
            threshold=threshold,
            reason=row.reason,
            explanation=row.explanation,
            verdict=cast(Verdict | None, row.verdict),
            fault=row.fault,
            comment=row.comment,
            recording_dropped=row.recording_dropped,
            clips=tuple(clips.get(row.id, ())),
        )
        for row, machine, source, threshold in rows
    ]


def _clips(session: Session, incident_ids: Sequence[str]) -> dict[str, list[ClipView]]:
    query = select(ClipRow).where(ClipRow.incident_id.in_(incident_ids))
    clips: dict[str, list[ClipView]] = {}
    rows: Iterable[ClipRow] = session.scalars(query.order_by(ClipRow.start, ClipRow.id))
    for row in rows:
        clips.setdefault(cast(str, row.incident_id), []).append(_clip_view(row))
    return clips


def _clip_view(row: ClipRow) -> ClipView:
    return ClipView(
        row.sha256,
        row.path,
        row.start,
        row.seconds,
        row.sample_rate_hz,
        row.speech,
        cast(ClipUse, row.use),
        row.missing,
        row.node,
    )


def embedding_of(z: bytes | None) -> NDArray[np.float64]:
    """Read an embedding that an incident keeps, ``[D]``."""
    assert z is not None  # noqa: S101 - the queries leave these out
    return np.frombuffer(z, "<f2").astype(np.float64)
