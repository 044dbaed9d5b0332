"""Read a week's report from the database, and which weeks there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from rattle.scoring.budget.ledger import Level, Verdict
from rattle.station.judge.troubles import MOVED
from rattle.station.records import IncidentState
from rattle.station.report.figures import (
    Alarm,
    Drift,
    Fault,
    InUse,
    MachineReport,
    Report,
    SourceReport,
    Verdicts,
)
from rattle.station.report.heard import Span, Spell, changes_of, heard, in_force, release_before
from rattle.station.report.weeks import FIRST_YEAR, Week
from rattle.station.store.tables import (
    IncidentRow,
    MachineRow,
    MinuteRow,
    ReleaseRow,
    SourceRow,
)


@dataclass(frozen=True)
class WeekInShort:
    """A week of the list: its alarms of all machines, by verdict."""

    week: Week
    alarms: Verdicts
    is_over: bool


def report_of(
    session: Session, plant: str, week: Week, now: datetime, zone: tzinfo | None = None
) -> Report:
    """Read the report of a week, as far as it is over, by the clock of the plant.

    ``zone`` is None where that is the computer's. Machines are those of the file, and those that
    left it and were heard in that week.
    """
    begins, ends = week.begins(zone), week.ends(zone)
    span = Span(begins, max(min(ends, now), begins))
    incidents = _incidents(session, span)
    machines = [
        _machine(session, row, span, [each for each in incidents if each.machine_id == row.id])
        for row in session.scalars(select(MachineRow).order_by(MachineRow.place, MachineRow.name))
    ]
    listed = set(session.scalars(select(MachineRow.id).where(MachineRow.listed)))
    shown = tuple(each for each in machines if each.id in listed or not each.is_empty)
    return Report(plant, week, begins, ends, span.end, shown)


def weeks_of(session: Session, now: datetime, zone: tzinfo | None = None) -> list[WeekInShort]:
    """List the weeks in which anything was heard or happened, the newest first; always this one.

    A clock that was wrong for a while adds the weeks that it showed, and none in between; of years
    that no report can be asked for there are none.
    """
    is_alarm = (IncidentRow.kind == "machine") & (IncidentRow.level == "alarm")
    verdicts: dict[Week, Counter[str]] = {}
    for opened, verdict in session.execute(
        select(IncidentRow.opened, IncidentRow.verdict).where(is_alarm, IncidentRow.opened <= now)
    ):
        verdicts.setdefault(Week.of(opened, zone), Counter())[verdict or "none"] += 1
    weeks = []
    week: Week | None = Week.of(now, zone)
    while week is not None and week.year >= FIRST_YEAR:
        alarms = Verdicts("alarm", **verdicts.get(week, Counter()))
        weeks.append(WeekInShort(week, alarms, week.ends(zone) <= now))
        last = _last_before(session, week.begins(zone))
        week = None if last is None else Week.of(last, zone)
    return weeks


def _last_before(session: Session, at: datetime) -> datetime | None:
    """Say when anything was heard or happened last before then."""
    of_source = (MinuteRow.source_id == SourceRow.id) & (MinuteRow.at < at)
    heard = select(func.max(MinuteRow.at)).where(of_source).scalar_subquery()
    lasts = [*session.scalars(select(heard).select_from(SourceRow))]
    lasts.append(
        session.scalar(select(func.max(IncidentRow.opened)).where(IncidentRow.opened < at))
    )
    return max((each for each in lasts if each is not None), default=None)


def _incidents(session: Session, span: Span) -> Sequence[IncidentRow]:
    """All that were open at any time of the span, the newest first."""
    query = select(IncidentRow).where(
        IncidentRow.opened < span.end,
        or_(
            IncidentRow.opened >= span.begin,
            IncidentRow.ended.is_(None),
            IncidentRow.ended > span.begin,
        ),
    )
    return session.scalars(query.order_by(IncidentRow.opened.desc(), IncidentRow.id.desc())).all()


def _machine(
    session: Session, machine: MachineRow, span: Span, incidents: Sequence[IncidentRow]
) -> MachineReport:
    of_machine = SourceRow.machine_id == machine.id
    sources = session.scalars(select(SourceRow).where(of_machine).order_by(SourceRow.id)).all()
    share = machine.budget_per_week / max(sum(source.listed for source in sources), 1)
    read = [_source(session, each, span, share, incidents) for each in sources]
    kept = [
        (report, spells)
        for source, (report, spells) in zip(sources, read, strict=True)
        if source.listed or spells
    ]
    began = [each for each in incidents if each.kind == "machine" and each.opened >= span.begin]
    names = {source.id: source.name for source in sources}
    return MachineReport(
        id=machine.id,
        name=machine.name,
        budget_per_week=machine.budget_per_week,
        sources=tuple(report for report, _ in kept),
        alarms=_verdicts("alarm", began),
        watches=_verdicts("watch", began),
        going_on=sum(
            each.kind == "machine" and each.opened < span.begin and each.level != "moment"
            for each in incidents
        ),
        newest_alarms=tuple(_alarm(each, span) for each in began if each.level == "alarm"),
        faults=_faults(began, span),
        drifts=tuple(
            _drift(each, names.get(each.source_id, ""))
            for each in incidents
            if each.kind == "drift"
        ),
        releases=_releases(session, span, {r.id: spells for r, spells in kept}),
    )


def _source(
    session: Session,
    source: SourceRow,
    span: Span,
    allowed_per_week: float,
    incidents: Sequence[IncidentRow],
) -> tuple[SourceReport, list[Spell]]:
    troubles = [
        each
        for each in incidents
        if each.subject == source.id and each.kind in ("microphone", "source")
    ]
    moved_s = sum(
        span.overlap_s(each.opened, each.ended) for each in troubles if MOVED in each.reason
    )
    rows = in_force(session, source.id, span)
    what, spells = heard(session, source.id, span, rows, allowed_per_week, moved_s)
    changes = changes_of(rows, span)
    return SourceReport(source.id, source.name, what, len(troubles), changes), spells


def _verdicts(level: Level, incidents: Iterable[IncidentRow]) -> Verdicts:
    counts = Counter(each.verdict or "none" for each in incidents if each.level == level)
    return Verdicts(level, **counts)


def _lasted_s(row: IncidentRow, span: Span) -> float:
    # One that ended after the week lasted as long as it did; one that goes on, until now.
    return max(((row.ended or span.end) - row.opened).total_seconds(), 0.0)


def _alarm(row: IncidentRow, span: Span) -> Alarm:
    return Alarm(
        row.id,
        row.opened,
        _lasted_s(row, span),
        cast(IncidentState, row.state),
        cast(Verdict | None, row.verdict),
        row.fault,
    )


def _faults(incidents: Iterable[IncidentRow], span: Span) -> tuple[Fault, ...]:
    """Confirmed faults by name, the one that lasted longest first."""
    by_name: dict[str, list[IncidentRow]] = {}
    for row in incidents:
        if row.verdict == "anomaly":
            by_name.setdefault(row.fault or "", []).append(row)
    faults = [
        Fault(
            name,
            len(rows),
            sum(_lasted_s(row, span) for row in rows),
            any(row.ended is None for row in rows),
        )
        for name, rows in by_name.items()
    ]
    return tuple(sorted(faults, key=lambda each: (-each.seconds, each.name)))


def _drift(row: IncidentRow, source: str) -> Drift:
    verdict = cast(Verdict | None, row.verdict)
    return Drift(row.id, source, row.opened, row.ended, row.reason, verdict)


def _releases(session: Session, span: Span, spells_of: dict[str, list[Spell]]) -> tuple[InUse, ...]:
    """Find the releases that began to score any of a machine's sources in the span."""
    before = {release_before(session, source_id, span.begin) for source_id in spells_of}
    since: dict[str, datetime] = {}
    for spell in (spell for spells in spells_of.values() for spell in spells):
        if spell.release_id not in before:
            since[spell.release_id] = min(since.get(spell.release_id, spell.since), spell.since)
    rows = session.scalars(select(ReleaseRow).where(ReleaseRow.id.in_(since))).all()
    found = [InUse(row.id, row.identity, since[row.id]) for row in rows]
    return tuple(sorted(found, key=lambda each: each.since))
