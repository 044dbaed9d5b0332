"""Write what ears tell to the tables; a record that is written twice leaves what once leaves.

What another record names is written before it: thresholds, incidents, stretches, minutes, clips.
Whoever calls is the only writer of the moment (``Database.writing``), so a row that was read is
still as it was when it is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.records import IncidentChanged, MinuteHeard, StretchChanged, ThresholdFitted
from rattle.station.store.database import insert_into
from rattle.station.store.incident_rows import write_incident
from rattle.station.store.leases import leave
from rattle.station.store.minute_rows import write_minutes
from rattle.station.store.rows import ClipDropped, ClipKept, SourcesLeft, Written
from rattle.station.store.tables import ClipRow, IncidentRow, StretchRow, ThresholdRow

Kind = TypeVar("Kind")


def write(session: Session, record: Written) -> None:
    """Write one record; see ``write_all``."""
    write_all(session, [record])


def write_all(session: Session, records: Sequence[Written]) -> None:
    """Write records in the order in which they refer to each other; of one kind as they come.

    Sources are left last: nothing of them is written afterwards.

    Raises ``sqlalchemy.exc.IntegrityError`` for one that names what is in no table.
    """
    _write_thresholds(session, _of(ThresholdFitted, records))
    _each(write_incident, session, _of(IncidentChanged, records))
    _each(_write_stretch, session, _of(StretchChanged, records))
    write_minutes(session, _of(MinuteHeard, records))
    _each(_write_clip, session, _of(ClipKept, records))
    _each(_write_dropped, session, _of(ClipDropped, records))
    for left in _of(SourcesLeft, records):
        leave(session, left.node, left.source_ids)


def _of(kind: type[Kind], records: Sequence[Written]) -> list[Kind]:
    return [record for record in records if isinstance(record, kind)]


def _each(
    write_one: Callable[[Session, Kind], None], session: Session, records: Sequence[Kind]
) -> None:
    for record in records:
        write_one(session, record)
    session.flush()


def _write_thresholds(session: Session, thresholds: Sequence[ThresholdFitted]) -> None:
    if thresholds:
        statement = insert_into(session, ThresholdRow).on_conflict_do_nothing(index_elements=["id"])
        session.execute(statement, [asdict(each) for each in thresholds])


def _write_stretch(session: Session, stretch: StretchChanged) -> None:
    key = (stretch.source_id, stretch.release_id, stretch.level, stretch.first)
    row = session.get(StretchRow, key)
    if row is None:
        session.add(StretchRow(**asdict(stretch)))
        return
    row.last = max(row.last, stretch.last)
    row.peak = max(row.peak, stretch.peak)


def _write_clip(session: Session, clip: ClipKept) -> None:
    same = select(ClipRow.id).where(
        ClipRow.sha256 == clip.sha256,
        ClipRow.source_id == clip.source_id,
        ClipRow.start == clip.start,
        ClipRow.incident_id == clip.incident_id,
    )
    if session.scalar(same.limit(1)) is None:
        incident = None if clip.incident_id is None else session.get(IncidentRow, clip.incident_id)
        is_reviewed = incident is not None and incident.verdict is not None
        session.add(ClipRow(**asdict(clip), protected=is_reviewed))
        session.flush()


def _write_dropped(session: Session, dropped: ClipDropped) -> None:
    incident = session.get(IncidentRow, dropped.incident_id)
    if incident is not None:
        incident.recording_dropped = dropped.reason
