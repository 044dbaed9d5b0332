"""A week's figures another way: row by row, in plain loops, as one would count on paper."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.report.figures import MachineReport, Report
from rattle.station.store.tables import (
    Base,
    IncidentRow,
    MachineRow,
    MinuteRow,
    SourceRow,
    ThresholdRow,
)

CLOSE = 1e-6


def check(session: Session, report: Report, begin: datetime, until: datetime) -> None:
    """Assert that every figure of a report is what the tables come to between two times."""
    machines = {row.id: row for row in _all(session, MachineRow)}
    shown = {machine.id for machine in report.machines}
    for row in machines.values():
        sources = [each for each in _all(session, SourceRow) if each.machine_id == row.id]
        minutes = [m for each in sources for m in _minutes(session, each.id, begin, until)]
        began = [
            each
            for each in _began(session, row.id, begin, until)
            if each.level != "moment" or each.verdict == "anomaly"
        ]
        assert (row.id in shown) == (row.listed or bool(minutes or began)), row.name
    for machine in report.machines:
        _check_machine(session, machine, machines[machine.id], begin, until)
    for level, of in (("alarm", report.alarms), ("watch", report.watches)):
        began = [row for id_ in shown for row in _began(session, id_, begin, until)]
        _check_verdicts(of, [row for row in began if row.level == level])


def _check_machine(
    session: Session, machine: MachineReport, row: MachineRow, begin: datetime, until: datetime
) -> None:
    began = _began(session, machine.id, begin, until)
    _check_verdicts(machine.alarms, [each for each in began if each.level == "alarm"])
    _check_verdicts(machine.watches, [each for each in began if each.level == "watch"])
    assert machine.going_on == sum(
        row.kind == "machine"
        and row.machine_id == machine.id
        and row.level != "moment"
        and row.opened < begin
        and (row.ended is None or row.ended > begin)
        for row in _all(session, IncidentRow)
    )
    newest = sorted(
        (each for each in began if each.level == "alarm"),
        key=lambda each: (each.opened, each.id),
        reverse=True,
    )
    assert [alarm.id for alarm in machine.newest_alarms] == [each.id for each in newest]
    seconds: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for each in began:
        if each.verdict == "anomaly":
            seconds[each.fault or ""] += ((each.ended or until) - each.opened).total_seconds()
            times[each.fault or ""] += 1
    assert {fault.name: fault.times for fault in machine.faults} == times
    for fault in machine.faults:
        assert abs(fault.seconds - seconds[fault.name]) < CLOSE
    _check_sources(session, machine, row, begin, until)


def _check_sources(
    session: Session, machine: MachineReport, row: MachineRow, begin: datetime, until: datetime
) -> None:
    listed = [s for s in _all(session, SourceRow) if s.machine_id == machine.id and s.listed]
    used: dict[str, datetime] = {}
    before: set[str] = set()
    for source in machine.sources:
        minutes = _minutes(session, source.id, begin, until)
        heard = source.heard
        lost = sum(each.lost_s for each in minutes)
        assert abs(heard.lost_s - lost) < CLOSE
        assert abs(heard.sound_s - (60 * len(minutes) - lost)) < CLOSE
        off = max((until - begin).total_seconds() - 60 * len(minutes), 0)
        assert abs(heard.off_s - off) < CLOSE
        assert abs(heard.running_s - sum(each.running_s for each in minutes)) < CLOSE
        faults = Counter(each.fitness.split(":")[0].split()[-1] for each in minutes if each.fitness)
        assert dict(heard.unfit) == {what: 60.0 * count for what, count in faults.items()}
        assert heard.scored == sum(len(each.minutes) for each in minutes)
        listened, expected = 0, 0.0
        for each in minutes:
            held = _held(session, each, "alarm")
            listened += len(each.minutes) if held else 0
            expected += len(each.minutes) * held.expected / 10_080 if held else 0.0
            used[each.release_id] = min(used.get(each.release_id, each.at), each.at)
        assert heard.listened == listened
        assert abs(heard.expected - expected) < CLOSE
        share = row.budget_per_week / max(len(listed), 1)
        assert abs(heard.allowed - share * listened / 10_080) < CLOSE
        troubles = [
            each
            for each in _all(session, IncidentRow)
            if each.kind in ("microphone", "source")
            and each.subject == source.id
            and each.opened < until
            and (each.ended is None or each.ended > begin or each.opened >= begin)
        ]
        assert source.troubles == len(troubles)
        moved = timedelta()
        for each in troubles:
            if "moved?" in each.reason:
                moved += max(min(each.ended or until, until) - max(each.opened, begin), timedelta())
        assert abs(heard.moved_s - moved.total_seconds()) < CLOSE
        came = [
            each
            for each in _all(session, ThresholdRow)
            if each.source_id == source.id and begin <= each.active_from < until
        ]
        assert {t.level: t.count for t in source.thresholds} == Counter(t.level for t in came)
        earlier = [m for m in _all(session, MinuteRow) if m.source_id == source.id and m.at < begin]
        before |= {max(earlier, key=lambda each: each.at).release_id} if earlier else set()
    assert {each.id: each.since for each in machine.releases} == {
        release: since for release, since in used.items() if release not in before
    }


def _check_verdicts(of: Any, rows: list[IncidentRow]) -> None:
    counts = Counter(row.verdict or "none" for row in rows)
    assert of.total == len(rows)
    for verdict in ("anomaly", "normal", "unsure", "none"):
        assert getattr(of, verdict) == counts[verdict]


def _all(session: Session, table: type[Base]) -> list[Any]:
    return list(session.scalars(select(table)))


def _minutes(session: Session, source_id: str, begin: datetime, until: datetime) -> list[MinuteRow]:
    rows = _all(session, MinuteRow)
    return [row for row in rows if row.source_id == source_id and begin <= row.at < until]


def _began(session: Session, machine_id: str, begin: datetime, until: datetime) -> list[Any]:
    return [
        row
        for row in _all(session, IncidentRow)
        if row.machine_id == machine_id and row.kind == "machine" and begin <= row.opened < until
    ]


def _held(session: Session, minute: MinuteRow, level: str) -> ThresholdRow | None:
    rows = [
        row
        for row in _all(session, ThresholdRow)
        if row.source_id == minute.source_id
        and row.release_id == minute.release_id
        and row.level == level
        and row.active_from <= minute.at
    ]
    return max(rows, key=lambda row: (row.active_from, row.id), default=None)
