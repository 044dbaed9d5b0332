"""Recall what the station knew before it was started: accounts of the budget, open incidents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import LargeBinary, func, select, type_coerce
from sqlalchemy.orm import Session

from rattle.scoring.budget.fit import BudgetThreshold
from rattle.scoring.budget.ledger import (
    INCIDENT_LEVELS,
    LEVELS,
    Account,
    Incident,
    IncidentLevel,
    Level,
    Verdict,
)
from rattle.scoring.budget.minutes import CALM_MINUTES
from rattle.scoring.budget.rule import Values
from rattle.scoring.budget.stages import KEPT_MINUTES
from rattle.station.store.incident_rows import end_as_interrupted
from rattle.station.store.tables import (
    IncidentRow,
    MachineRow,
    MinuteRow,
    ReplayedRow,
    SourceRow,
    StretchRow,
    ThresholdRow,
)
from rattle.station.store.types import EPOCH

# An incident goes on over a gap no longer than this: what was heard before is the same moment.
GAP = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class StretchReviewed:
    """An incident of a source's ledger by a release, as ``Ledger.review`` takes it."""

    source_id: str
    release_id: str
    level: IncidentLevel
    first: int
    verdict: Verdict | None


def account_of(session: Session, source_id: str, release_id: str) -> Account:
    """Recover the account that the ledger of a source had by a release, at a minute's end.

    ``fitted`` is when the newest threshold was fitted; a fit that gave none is not remembered, and
    is tried again with the next minute. What is of an incident that has ended goes on no more.
    """
    replayed = session.get(ReplayedRow, (source_id, release_id))
    since = EPOCH if replayed is None else replayed.until
    minutes, heard = _minutes(session, source_id, release_id, since)
    if replayed is not None:
        minutes, heard = _joined(replayed.minutes, minutes, heard)
    known = _incidents(session, source_id, release_id)
    calm: dict[Level, int] = {}
    for incident, is_open in known:
        calm_for = max(heard - incident.last - 1, 0)
        if is_open and incident.level != "moment" and calm_for < CALM_MINUTES:
            calm[incident.level] = calm_for
    thresholds, fitted = _thresholds(session, source_id, release_id, since)
    kept = _kept([incident for incident, _ in known], heard - len(minutes))
    return Account(minutes, heard, kept, calm, thresholds, fitted)


def threshold_ids_of(session: Session, source_id: str, release_id: str) -> dict[Level, str]:
    """Find the rows of the thresholds that ``account_of`` gives, by level."""
    replayed = session.get(ReplayedRow, (source_id, release_id))
    since = EPOCH if replayed is None else replayed.until
    newest = _newest_thresholds(session, source_id, release_id, since)
    return {level: row.id for level, row in newest.items()}


def reviewed_stretches(session: Session, incident_ids: Sequence[str]) -> list[StretchReviewed]:
    """List what these incidents hold of the ledgers, with what people say of it now."""
    rows = session.execute(
        select(StretchRow, IncidentRow.verdict)
        .join(IncidentRow, IncidentRow.id == StretchRow.incident_id)
        .where(StretchRow.incident_id.in_(incident_ids))
        .order_by(StretchRow.source_id, StretchRow.first, StretchRow.level)
    )
    return [
        StretchReviewed(row.source_id, row.release_id, row.level, row.first, verdict)  # type: ignore[arg-type]
        for row, verdict in rows
    ]


def moments_of(
    session: Session, source_id: str, release_id: str, since: datetime
) -> list[tuple[datetime, float]]:
    """List when a source's moments were and how odd, by a release, the oldest first."""
    machine_id = select(SourceRow.machine_id).where(SourceRow.id == source_id).scalar_subquery()
    query = (
        select(IncidentRow.opened, IncidentRow.peak)
        .where(
            IncidentRow.machine_id == machine_id,
            IncidentRow.opened >= since,
            IncidentRow.source_id == source_id,
            IncidentRow.release_id == release_id,
            IncidentRow.level == "moment",
        )
        .order_by(IncidentRow.opened, IncidentRow.id)
    )
    return [(at, peak) for at, peak in session.execute(query) if peak is not None]


def open_incidents(session: Session, machine_ids: Collection[str]) -> Sequence[IncidentRow]:
    """List the incidents of these machines that go on, the oldest first."""
    is_open = (IncidentRow.state == "open") & IncidentRow.machine_id.in_(machine_ids)
    query = select(IncidentRow).where(is_open).order_by(IncidentRow.opened, IncidentRow.id)
    return session.scalars(query).all()


def interrupt(session: Session, now: datetime, source_ids: Collection[str]) -> list[str]:
    """End the open incidents of sources that were not heard for ten minutes; gives their ids.

    They end as interrupted, with the last minute that was heard; the others go on. ``source_ids``
    are the sources that this station listens to from now on: of another's it knows nothing. Those
    that left every station's file, with their machine or alone, end too.
    """
    ended = []
    is_leased = SourceRow.node.is_not(None) & (SourceRow.node_until > now)
    is_left = ~(SourceRow.listed & MachineRow.listed)
    is_ours = SourceRow.id.in_(source_ids) | (is_left & ~is_leased)
    query = (
        select(IncidentRow, is_left)
        .join(SourceRow, SourceRow.id == IncidentRow.source_id)
        .join(MachineRow, MachineRow.id == IncidentRow.machine_id)
        .where(IncidentRow.state == "open", is_ours)
        .order_by(IncidentRow.opened, IncidentRow.id)
    )
    for row, has_left in session.execute(query).all():
        of_source = MinuteRow.source_id == row.source_id
        last = session.scalar(select(func.max(MinuteRow.at)).where(of_source))
        heard_until = row.opened if last is None else last + MINUTE
        # A drift goes on while nobody listens; another day of sound is what ends it.
        if has_left or (row.kind != "drift" and now - heard_until > GAP):
            end_as_interrupted(row, heard_until)
            ended.append(row.id)
    session.flush()
    return ended


def _joined(replayed: Values, minutes: Values, heard: int) -> tuple[Values, int]:
    """Put what was replayed before the minutes that were heard since."""
    heard = heard or len(replayed)
    if len(minutes) == heard - len(replayed):
        minutes = np.concatenate([replayed, minutes])
    return minutes[-KEPT_MINUTES:], heard


def _minutes(
    session: Session, source_id: str, release_id: str, since: datetime
) -> tuple[Values, int]:
    """M of the last 28 days of running ``[T]``, and how many there ever were.

    Read from the newest back: there are no more to find where 28 days are full or the first of all
    was read. Where some were lost, those before the gap have no place.
    """
    rows = session.execute(
        select(type_coerce(MinuteRow.minutes, LargeBinary), MinuteRow.heard)
        .where(
            MinuteRow.source_id == source_id,
            MinuteRow.release_id == release_id,
            MinuteRow.at >= since,
        )
        .order_by(MinuteRow.at.desc())
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    pieces: list[bytes] = []
    heard = first = None
    for values, until in rows:
        if heard is None or first is None:
            heard = first = until
        if not values:  # of a minute without M, whose number says nothing
            continue
        if until < first:
            break
        count = first - (until - len(values) // 8)
        if count > 0:
            pieces.append(values[: 8 * count])
            first -= count
        if first <= max(heard - KEPT_MINUTES, 0):
            break
    rows.close()
    return np.frombuffer(b"".join(pieces[::-1]), "<f8")[-KEPT_MINUTES:], heard or 0


def _incidents(session: Session, source_id: str, release_id: str) -> list[tuple[Incident, bool]]:
    """All incidents of the ledger in the order in which they began, as people reviewed them.

    And whether the machine's incident, which each is of, goes on.
    """
    rows = session.execute(
        select(StretchRow, IncidentRow.verdict, IncidentRow.state)
        .join(IncidentRow, IncidentRow.id == StretchRow.incident_id)
        .where(StretchRow.source_id == source_id, StretchRow.release_id == release_id)
    )
    incidents = [
        (
            Incident(
                row.level,  # type: ignore[arg-type]
                row.first,
                row.last,
                row.peak,
                row.threshold,
                verdict,  # type: ignore[arg-type]
            ),
            state == "open",
        )
        for row, verdict, state in rows
    ]
    return sorted(incidents, key=lambda each: (each[0].first, INCIDENT_LEVELS.index(each[0].level)))


def _kept(incidents: list[Incident], first_kept: int) -> tuple[Incident, ...]:
    """Leave out those that the ledger has forgotten: it looks when the first of all is too old."""
    while incidents and incidents[0].last < first_kept:
        forgotten = incidents[0].last + 1
        incidents = [each for each in incidents if each.last >= forgotten]
    return tuple(incidents)


def _thresholds(
    session: Session, source_id: str, release_id: str, since: datetime
) -> tuple[dict[Level, BudgetThreshold], int]:
    newest = _newest_thresholds(session, source_id, release_id, since)
    thresholds = {
        level: BudgetThreshold(row.value, row.expected, row.upper, row.margin, row.peaks, row.weeks)
        for level, row in newest.items()
    }
    return thresholds, max((row.minutes for row in newest.values()), default=0)


def _newest_thresholds(
    session: Session, source_id: str, release_id: str, since: datetime
) -> dict[Level, ThresholdRow]:
    newest = {}
    for level in LEVELS:
        row = session.scalar(
            select(ThresholdRow)
            .where(
                ThresholdRow.source_id == source_id,
                ThresholdRow.release_id == release_id,
                ThresholdRow.level == level,
                ThresholdRow.active_from >= since,
            )
            # By what was heard first: the clock may have been set back meanwhile.
            .order_by(ThresholdRow.minutes.desc(), ThresholdRow.active_from.desc())
            .limit(1)
        )
        if row is not None:
            newest[level] = row
    return newest
