"""Every figure of a week's report, held against the tables counted row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from added_up import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session

from made_up_heard import bundles
from rattle.station.config.model import Plant
from rattle.station.ids import new_id
from rattle.station.report.making import report_of, weeks_of
from rattle.station.report.weeks import Week
from rattle.station.store.database import Database, open_database
from rattle.station.store.register import Registered, register
from rattle.station.store.tables import IncidentRow, MachineRow, MinuteRow, ThresholdRow

WEEK = Week(2026, 13)  # in which the clocks of Europe are changed
MACHINES = [
    {
        "name": "fan",
        "bundle": "f.rattle",
        "false_alarms_per_week": 2.0,
        "sources": [{"name": "cam", "url": "rtsp://c"}, {"name": "other cam", "url": "rtsp://d"}],
    },
    {"name": "pump", "bundle": "p.rattle", "sources": [{"name": "mic", "device": ""}]},
    {"name": "gone", "bundle": "g.rattle", "sources": [{"name": "plc", "folder": "/f"}]},
]
HALL = Plant.model_validate({"plant": "hall", "machine": MACHINES})
FITNESS = ("", "", "", "silent", "clipped: 2.00% at full scale", "clipped: 9.10% at full scale")
REASONS = ("", "was the microphone moved? for a day it is louder", "the sound is silent")
EMPTIED = (ThresholdRow, IncidentRow, MinuteRow)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Registered, dict]]:
    database = open_database("sqlite", tmp_path_factory.mktemp("hall"))
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    with database.writing() as session:
        first = register(session, HALL, bundles(HALL, "one"), long_ago)
        second = register(session, HALL, bundles(HALL, "two"), long_ago)
    releases = {name: [first.releases[name], second.releases[name]] for name in first.releases}
    yield database, first, releases
    database.close()


@given(
    seed=st.integers(0, 2**32),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    after_h=st.integers(-1, 240),
    minutes=st.sampled_from([0, 1, 30]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_figure_agrees_with_the_database(
    hall: tuple[Database, Registered, dict], seed: int, zone: str, after_h: int, minutes: int
) -> None:
    database, ids, releases = hall
    clock = ZoneInfo(zone)
    begin, end = WEEK.begins(clock), WEEK.ends(clock)
    now = begin + timedelta(hours=after_h, minutes=7)
    until = max(min(now, end), begin)
    dice = np.random.default_rng(seed)
    with database.writing() as session:
        for table in EMPTIED:
            session.execute(delete(table))
        gone = session.get(MachineRow, ids.machines["gone"])
        assert gone is not None
        gone.listed = bool(dice.integers(2))
        _fill(session, ids, releases, begin, end, dice, minutes)
    with database.reading() as session:
        report = report_of(session, "hall", WEEK, now, clock)
        assert (report.until, report.is_over) == (until, now >= end)
        check(session, report, begin, until)
        # A list of weeks says the same of each.
        for each in weeks_of(session, now, clock):
            assert each.alarms == report_of(session, "hall", each.week, now, clock).alarms
            assert each.is_over == (each.week.ends(clock) <= now)


def _fill(
    session: Session,
    ids: Registered,
    releases: dict,
    begin: datetime,
    end: datetime,
    dice: np.random.Generator,
    count: int,
) -> None:
    """Rows about the week, many of them just at its ends, as far as ``count`` goes."""

    def some_time() -> datetime:
        near = (begin, end)[int(dice.integers(2))]
        if dice.random() < 0.4:
            return near + timedelta(minutes=int(dice.integers(-2, 3)))
        return begin + timedelta(minutes=int(dice.integers(-3 * 1440, 10 * 1440)))

    for machine in HALL.machine:
        machine_id = ids.machines[machine.name]
        for source in machine.sources:
            source_id = ids.sources[source.name]
            for at in {some_time() for _ in range(count)}:
                session.add(
                    MinuteRow(
                        source_id=source_id,
                        at=at,
                        release_id=str(dice.choice(releases[machine.name])),
                        scores=np.empty(0, np.float32),
                        highest=None,
                        minutes=dice.normal(size=dice.integers(4)),
                        heard=1,
                        level_db=None,
                        running_s=float(dice.integers(61)),
                        lost_s=float(dice.integers(61)),
                        operating="running",
                        fitness=str(dice.choice(FITNESS)),
                    )
                )
            for _ in range(count // 5):
                at = some_time()
                session.add(
                    ThresholdRow(
                        id=new_id(at),
                        source_id=source_id,
                        release_id=str(dice.choice(releases[machine.name])),
                        level=str(dice.choice(["watch", "alarm"])),
                        value=float(dice.random()),
                        expected=float(dice.random()),
                        upper=1.0,
                        margin=0.0,
                        peaks=1,
                        weeks=1.0,
                        minutes=1,
                        reason=str(dice.choice(["reviewed", "fitted anew"])),
                        active_from=at,
                    )
                )
            for _ in range(count // 3):
                _add_incident(session, machine_id, source_id, some_time(), dice)


def _add_incident(
    session: Session,
    machine_id: str,
    source_id: str,
    opened: datetime,
    dice: np.random.Generator,
) -> None:
    kind = str(dice.choice(["machine", "machine", "machine", "microphone", "source", "drift"]))
    lasted = timedelta(minutes=int(dice.choice([0, 1, 600, 9000])))
    verdict = [None, "anomaly", "normal", "unsure"][int(dice.integers(4))]
    id_ = new_id(opened)
    is_open = dice.random() < 0.2
    session.add(
        IncidentRow(
            id=id_,
            machine_id=machine_id,
            source_id=source_id,
            # An open one of each subject is all that may be: these are each about something else,
            # but for what a source's report counts.
            subject=source_id if not is_open else id_,
            kind=kind,
            level=str(dice.choice(["moment", "watch", "alarm"])),
            state="open" if is_open else "ended",
            opened=opened,
            ended=None if is_open else opened + lasted,
            reason=str(dice.choice(REASONS)),
            verdict=verdict,
            fault=str(dice.choice(["bearing", "leak"])) if dice.random() < 0.5 else None,
        )
    )
