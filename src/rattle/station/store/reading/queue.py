"""Read what waits for a person, ordered by what a verdict would teach, alike ones together.

    waiting of a machine -- picks (scoring.worth) --> groups in turn -- of all machines --> queue

An alarm that goes on stands before all: someone has to look at the machine. Then come the first
groups of all machines, then their second ones, and so on: what a verdict teaches of a machine it
teaches of no other. In a turn alarms stand before watches and those before moments, and machines
of which less was reviewed before others: there a verdict teaches most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from rattle.scoring.budget.ledger import INCIDENT_LEVELS
from rattle.scoring.worth import Reason, Reviewed, picks
from rattle.station.store.reading.incidents import embedding_of, incidents_of
from rattle.station.store.reading.views import IncidentView
from rattle.station.store.tables import IncidentRow, MachineRow, ReleaseRow

# The newest that wait; and of each machine's reviewed ones.
MOST_WAITING, MOST_REVIEWED = 1000, 50
MOST_SHOWN = 100
MOMENTS_A_MACHINE, MOMENTS_SINCE = 5, timedelta(days=7)

Why = Literal[Reason, "open", "incomparable"]
_Row = Row[*tuple[Any, ...]]
COLUMNS: tuple[InstrumentedAttribute[Any], ...] = (
    IncidentRow.id,
    IncidentRow.machine_id,
    IncidentRow.level,
    IncidentRow.state,
    IncidentRow.opened,
    IncidentRow.peak,
    IncidentRow.peak_z,
    ReleaseRow.encoder,
)
IS_WAITING: ColumnElement[bool] = (IncidentRow.kind == "machine") & IncidentRow.verdict.is_(None)


@dataclass(frozen=True)
class Entry:
    """One question of the queue: an incident, and those that sound alike, the nearest first.

    ``why`` says what put it there: an alarm that is "open"; what ``scoring.worth.picks`` says; or
    that it is "incomparable", heard by an encoder that is not in use any more, or without an
    embedding.
    """

    incident: IncidentView
    alike: tuple[IncidentView, ...]
    why: Why

    @property
    def ids(self) -> tuple[str, ...]:
        """All of the group, the one that it is led by first."""
        return (self.incident.id, *(each.id for each in self.alike))


@dataclass(frozen=True)
class Queue:
    """The first questions of the queue; how many there are, and how many moments are among all."""

    entries: tuple[Entry, ...]
    count: int
    moments: int


@dataclass(frozen=True)
class _Group:
    """Rows of a group; the ``turn`` of its machine, of which so many were ``reviewed``."""

    rows: tuple[_Row, ...]
    why: Why
    turn: int
    reviewed: int


@dataclass(frozen=True)
class _Release:
    """A machine's release in use: its encoder, and how near sounds are that count as alike."""

    encoder: str | None
    within: float | None


def review_queue(session: Session, now: datetime) -> Queue:
    """Order what waits for a person; the first 100 questions are read in full."""
    waiting: dict[str, list[_Row]] = {}
    for row in [*_waiting(session), *_moments(session, now)]:
        waiting.setdefault(row.machine_id, []).append(row)
    releases = _releases(session, [*waiting])
    reviewed = _reviewed(session, [*waiting])
    groups = [
        group
        for machine_id, rows in waiting.items()
        for group in _groups(rows, releases[machine_id], reviewed.get(machine_id, []))
    ]
    groups.sort(key=_place)
    shown = groups[:MOST_SHOWN]
    views = incidents_of(session, [row.id for group in shown for row in group.rows])
    entries = (
        Entry(views[of.rows[0].id], tuple(views[row.id] for row in of.rows[1:]), of.why)
        for of in shown
    )
    moments = sum(row.level == "moment" for group in groups for row in group.rows)
    return Queue(tuple(entries), len(groups), moments)


def waiting_count(session: Session) -> int:
    """Count the incidents that wait for a person; moments are offered and do not wait."""
    query = select(func.count()).where(IS_WAITING, IncidentRow.level != "moment")
    return session.scalar(query) or 0


def _waiting(session: Session) -> Sequence[_Row]:
    query = (
        select(*COLUMNS)
        .outerjoin(ReleaseRow, IncidentRow.release_id == ReleaseRow.id)
        .where(IS_WAITING, IncidentRow.level != "moment")
        .order_by(IncidentRow.opened.desc(), IncidentRow.id.desc())
        .limit(MOST_WAITING)
    )
    return session.execute(query).all()


def _moments(session: Session, now: datetime) -> list[_Row]:
    """List the oddest moments of the last week of each machine that raised no alarm in it."""
    begin = now - MOMENTS_SINCE
    alarmed = select(IncidentRow.machine_id).where(
        IncidentRow.kind == "machine", IncidentRow.level == "alarm", IncidentRow.opened >= begin
    )
    query = (
        select(*COLUMNS)
        .join(MachineRow, IncidentRow.machine_id == MachineRow.id)
        .outerjoin(ReleaseRow, IncidentRow.release_id == ReleaseRow.id)
        .where(
            IS_WAITING,
            IncidentRow.level == "moment",
            IncidentRow.opened >= begin,
            IncidentRow.release_id == MachineRow.live_release_id,
            IncidentRow.machine_id.not_in(alarmed),
            MachineRow.listed,
        )
        .order_by(IncidentRow.peak.desc(), IncidentRow.id.desc())
    )
    of: dict[str, list[_Row]] = {}
    for row in session.execute(query):
        of.setdefault(row.machine_id, []).append(row)
    return [row for rows in of.values() for row in rows[:MOMENTS_A_MACHINE]]


def _releases(session: Session, machine_ids: Sequence[str]) -> dict[str, _Release]:
    query = (
        select(MachineRow.id, ReleaseRow.encoder, ReleaseRow.report)
        .outerjoin(ReleaseRow, MachineRow.live_release_id == ReleaseRow.id)
        .where(MachineRow.id.in_(machine_ids))
    )
    return {
        machine_id: _Release(encoder, ((report or {}).get("alike") or {}).get("within"))
        for machine_id, encoder, report in session.execute(query)
    }


def _reviewed(session: Session, machine_ids: Sequence[str]) -> dict[str, list[_Row]]:
    """Read the newest sounds of each machine that people called normal or an anomaly."""
    number = func.row_number().over(
        partition_by=IncidentRow.machine_id, order_by=IncidentRow.opened.desc()
    )
    newest = (
        select(IncidentRow.id, number.label("number"))
        .where(
            IncidentRow.machine_id.in_(machine_ids),
            IncidentRow.verdict.in_(("normal", "anomaly")),
            IncidentRow.peak_z.is_not(None),
        )
        .subquery()
    )
    query = (
        select(IncidentRow.machine_id, IncidentRow.verdict, IncidentRow.peak_z, ReleaseRow.encoder)
        .join(newest, IncidentRow.id == newest.c.id)
        .join(ReleaseRow, IncidentRow.release_id == ReleaseRow.id)
        .where(newest.c.number <= MOST_REVIEWED)
    )
    rows: dict[str, list[_Row]] = {}
    for row in session.execute(query):
        rows.setdefault(row.machine_id, []).append(row)
    return rows


def _groups(rows: Sequence[_Row], release: _Release, reviewed: Sequence[_Row]) -> list[_Group]:
    """Group what waits of a machine, in its order."""
    comparable = [row for row in rows if _compares(row, release)]
    told = [row for row in reviewed if _compares(row, release)]
    groups: list[_Group] = []
    if comparable:
        z = np.stack([embedding_of(row.peak_z) for row in comparable])
        # An encoder gives embeddings of one length.
        of_reviewed = Reviewed(
            np.stack([embedding_of(row.peak_z) for row in told]) if told else z[:0],
            np.array([row.verdict == "anomaly" for row in told], np.bool_),
        )
        for pick in picks(z, of_reviewed, release.within):
            members = [comparable[place] for place in (pick.place, *pick.alike)]
            groups.append(_group(members, pick.reason, len(groups), len(reviewed)))
    for row in rows:
        if not _compares(row, release):
            groups.append(_group([row], "incomparable", len(groups), len(reviewed)))
    return groups


def _compares(row: _Row, release: _Release) -> bool:
    return row.peak_z is not None and row.encoder == release.encoder


def _group(rows: list[_Row], why: Why, turn: int, reviewed: int) -> _Group:
    """Let an alarm that goes on lead its group."""
    rows.sort(key=lambda row: not _is_open_alarm(row))
    return _Group(tuple(rows), "open" if _is_open_alarm(rows[0]) else why, turn, reviewed)


def _is_open_alarm(row: _Row) -> bool:
    return bool(row.level == "alarm" and row.state == "open")


def _place(group: _Group) -> tuple[float, ...]:
    first = group.rows[0]
    level = -max(INCIDENT_LEVELS.index(row.level) for row in group.rows)
    newest = -first.opened.timestamp()
    if group.why == "open":
        return (0, newest)
    return (1, group.turn, level, group.reviewed, newest)
