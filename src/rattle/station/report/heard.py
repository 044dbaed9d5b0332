"""Add up what a source heard in a span of time, by its minutes and the thresholds in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import LEVELS
from rattle.scoring.budget.minutes import MINUTE_S, MINUTES_A_WEEK
from rattle.station.report.figures import Heard, Thresholds
from rattle.station.store.tables import MinuteRow, ThresholdRow

BYTES_OF_M = 8
# What the judge of sound calls its faults; the share that is clipped differs from minute to minute.
FAULTS = ("silent", "frozen", "damaged", "clipped")


@dataclass(frozen=True)
class Span:
    """A span of time, from ``begin`` on and before ``end``."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return max((self.end - self.begin).total_seconds(), 0.0)

    def overlap_s(self, begin: datetime, end: datetime | None) -> float:
        """Seconds of it in another span, which goes on where it has no end."""
        last = self.end if end is None else min(end, self.end)
        return max((last - max(begin, self.begin)).total_seconds(), 0.0)


def in_force(session: Session, source_id: str, span: Span) -> list[ThresholdRow]:
    """List a source's thresholds that came in the span, and those that held before; in order."""
    of_source = ThresholdRow.source_id == source_id
    newest = (
        select(
            ThresholdRow.release_id,
            ThresholdRow.level,
            func.max(ThresholdRow.active_from).label("at"),
        )
        .where(of_source, ThresholdRow.active_from < span.begin)
        .group_by(ThresholdRow.release_id, ThresholdRow.level)
        .subquery()
    )
    is_newest = and_(
        ThresholdRow.release_id == newest.c.release_id,
        ThresholdRow.level == newest.c.level,
        ThresholdRow.active_from == newest.c.at,
    )
    before = select(ThresholdRow).join(newest, is_newest).where(of_source)
    within = select(ThresholdRow).where(
        of_source, ThresholdRow.active_from >= span.begin, ThresholdRow.active_from < span.end
    )
    rows = [*session.scalars(before), *session.scalars(within)]
    return sorted(rows, key=lambda row: (row.active_from, row.id))


def changes_of(rows: Sequence[ThresholdRow], span: Span) -> tuple[Thresholds, ...]:
    """Say what changed of the thresholds that ``in_force`` lists, by level."""
    found = []
    for level in LEVELS:
        of_level = [row for row in rows if row.level == level]
        before = [row.value for row in of_level if row.active_from < span.begin]
        came = [row for row in of_level if row.active_from >= span.begin]
        if came:
            reasons = Counter(row.reason for row in came)
            held = before[-1] if before else None
            found.append(Thresholds(level, held, came[-1].value, tuple(reasons.most_common())))
    return tuple(found)


@dataclass(frozen=True)
class Spell:
    """From when on a release scored a source within a span."""

    release_id: str
    since: datetime


def heard(
    session: Session,
    source_id: str,
    span: Span,
    rows: Sequence[ThresholdRow],
    allowed_per_week: float,
    moved_s: float,
) -> tuple[Heard, list[Spell]]:
    """Add up a source's minutes in the span, and say which releases scored them, in order.

    ``rows`` are the thresholds of ``in_force``. A minute is counted whole, with the threshold that
    held when it began.
    """
    of_source = MinuteRow.source_id == source_id
    of_span = of_source & (MinuteRow.at >= span.begin) & (MinuteRow.at < span.end)
    spells = _spells(session, of_span)
    alarms = [row for row in rows if row.level == "alarm"]
    # One release after another, since to group thousands of rows takes longer than to add them.
    sums = [
        _sums(
            session,
            of_span,
            each.release_id,
            [a for a in alarms if a.release_id == each.release_id],
        )
        for each in spells
    ]
    minutes, lost_s, running_s, scored, listened, expected = (
        sum(part[place] for part in sums) for place in range(6)
    )
    return Heard(
        sound_s=max(minutes * MINUTE_S - lost_s, 0.0),
        lost_s=lost_s,
        off_s=max(span.seconds - minutes * MINUTE_S, 0.0),
        running_s=running_s,
        unfit=_unfit(session, of_span),
        moved_s=moved_s,
        scored=round(scored),
        listened=round(listened),
        expected=expected / MINUTES_A_WEEK,
        allowed=listened * allowed_per_week / MINUTES_A_WEEK,
    ), spells


def _spells(session: Session, of_span: ColumnElement[bool]) -> list[Spell]:
    """Find the releases of minutes and their first ones, from one to the next."""
    spells: list[Spell] = []
    while True:
        others = MinuteRow.release_id.not_in([each.release_id for each in spells])
        first = select(MinuteRow.release_id, MinuteRow.at).where(of_span, others)
        row = session.execute(first.order_by(MinuteRow.at).limit(1)).first()
        if row is None:
            return spells
        spells.append(Spell(row[0], row[1]))


def _sums(
    session: Session,
    of_span: ColumnElement[bool],
    release_id: str,
    alarms: Sequence[ThresholdRow],
) -> tuple[float, ...]:
    """Add up a release's minutes: their number, lost and running seconds, M, and expected rates.

    Of M first all, then those with a threshold in force, of which the rates are.
    """
    scored = func.length(MinuteRow.minutes) // BYTES_OF_M
    newest_first = [(MinuteRow.at >= row.active_from, row.expected) for row in reversed(alarms)]
    expected: ColumnElement[float] = literal(0.0)
    listened: ColumnElement[int] = literal(0)
    if alarms:
        expected = case(*newest_first, else_=0.0)
        listened = case((MinuteRow.at >= alarms[0].active_from, 1), else_=0)
    query = select(
        func.count(),
        func.sum(MinuteRow.lost_s),
        func.sum(MinuteRow.running_s),
        func.sum(scored),
        func.sum(scored * listened),
        func.sum(scored * expected),
    ).where(of_span, MinuteRow.release_id == release_id)
    return tuple(float(each) for each in session.execute(query).one())


def release_before(session: Session, source_id: str, at: datetime) -> str | None:
    """Name the release that scored a source last before then."""
    before = (MinuteRow.source_id == source_id) & (MinuteRow.at < at)
    return session.scalar(
        select(MinuteRow.release_id).where(before).order_by(MinuteRow.at.desc()).limit(1)
    )


def _unfit(session: Session, of_span: ColumnElement[bool]) -> tuple[tuple[str, float], ...]:
    query = (
        select(MinuteRow.fitness, func.count())
        .where(of_span, MinuteRow.fitness != "")
        .group_by(MinuteRow.fitness)
    )
    minutes: Counter[str] = Counter()
    for fitness, count in session.execute(query):
        minutes[next((fault for fault in FAULTS if fault in fitness), fitness)] += count
    return tuple((what, count * MINUTE_S) for what, count in sorted(minutes.items()))
