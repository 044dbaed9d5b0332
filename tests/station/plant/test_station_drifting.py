"""A source whose sound drifts, day after day, and what a person's review of it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, insert, select

from made_up_heard import NOW, Heard
from rattle.scoring.budget.ledger import Ledger
from rattle.scoring.budget.minutes import MINUTES_A_DAY
from rattle.scoring.drift import FIRST_DAYS
from rattle.station.plant import drifting
from rattle.station.plant.drifting import Drifts
from rattle.station.records import IncidentChanged, Record
from rattle.station.store import reviews
from rattle.station.store.database import Database, open_database
from rattle.station.store.days import A_DAY, day_of
from rattle.station.store.tables import DayRow, IncidentRow, MinuteRow
from rattle.station.store.writing import write

BEGIN = day_of(NOW)


@dataclass
class Hall:
    """A source that is heard day by day, and looked at after each."""

    database: Database
    heard: Heard
    days: int = 0
    told: list[IncidentChanged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.in_use = {self.heard.source_id: self.heard.release_id}
        self.drifts = self.new_drifts()
        self._dice = np.random.default_rng(0)

    def new_drifts(self) -> Drifts:
        return Drifts(self.database, lambda: self.in_use, self._tell, lambda: self.now)

    @property
    def now(self) -> datetime:
        return BEGIN + self.days * A_DAY + timedelta(minutes=5)

    def day(self, higher: float = 0.0) -> None:
        """A day of 300 minutes, then a look; the threshold is that of 28 days as the first ones."""
        values = higher + 0.05 * self._dice.standard_normal() + self._dice.exponential(1, 300)
        rows = [
            {
                "source_id": self.heard.source_id,
                "release_id": self.heard.release_id,
                "at": BEGIN + self.days * A_DAY + timedelta(minutes=place),
                "scores": np.empty(0, np.float32),
                "highest": value,
                "minutes": np.array([value]),
                "heard": 300 * self.days + place + 1,
                "level_db": None,
                "running_s": 60.0,
                "lost_s": 0.0,
                "operating": "running",
                "fitness": "",
            }
            for place, value in enumerate(values.tolist())
        ]
        self.days += 1
        with self.database.writing() as session:
            session.execute(insert(MinuteRow), rows)
        self.drifts.look()

    def _tell(self, record: Record) -> None:
        assert isinstance(record, IncidentChanged)
        self.told.append(record)
        with self.database.writing() as session:
            write(session, record)

    def rows(self) -> list[IncidentRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(IncidentRow).order_by(IncidentRow.opened)))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    database = open_database("sqlite", tmp_path)
    heard = Heard.of(database)
    ledger = Ledger(1.0)
    for minute in np.random.default_rng(1).exponential(1, 4 * MINUTES_A_DAY):
        ledger.minute(float(minute))
    alarm = ledger.thresholds["alarm"]
    with database.writing() as session:
        write(session, heard.threshold(value=alarm.value, expected=alarm.expected_per_week))
    yield Hall(database, heard)
    database.close()


def drifted(hall: Hall, higher: float = 1.5) -> IncidentRow:
    """Let the source drift until that is told."""
    for _ in range(FIRST_DAYS + 2):
        hall.day()
    assert hall.rows() == []
    while not hall.rows() and hall.days < 40:
        hall.day(higher)
    (row,) = hall.rows()
    return row


def test_a_lasting_shift_is_an_incident_of_its_own_kind(hall: Hall) -> None:
    row = drifted(hall)
    assert hall.days <= FIRST_DAYS + 2 + 4
    assert (row.kind, row.level, row.state) == ("drift", "watch", "open")
    assert row.subject == row.source_id == hall.heard.source_id
    assert row.opened == hall.now
    since = BEGIN + (FIRST_DAYS + 2) * A_DAY
    assert f"since {since:%Y-%m-%d} the score is 1.5 higher than in the 14 days from " in row.reason
    assert " times as often as it would have then" in row.reason
    hall.day(1.5)
    assert [each.id for each in hall.rows()] == [row.id]


def test_it_is_looked_for_once_a_day(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    reason = drifting._reason
    monkeypatch.setattr(drifting, "_reason", lambda *a, **k: looked.append(a) or reason(*a, **k))
    hall.day()
    assert len(looked) == 1
    hall.drifts.look()
    assert len(looked) == 1


def test_it_ends_when_the_sound_is_as_before(hall: Hall) -> None:
    drifted(hall)
    hall.day(1.5)
    for _ in range(6):
        hall.day()
    (row,) = hall.rows()
    assert row.state == "ended"
    assert row.ended is not None
    assert row.ended > row.opened


def test_it_ends_with_the_release_that_heard_it(hall: Hall) -> None:
    drifted(hall)
    hall.in_use[hall.heard.source_id] = list(hall.heard.registered.releases.values())[1]
    hall.days += 1
    hall.drifts.look()
    assert [row.state for row in hall.rows()] == ["ended"]


@pytest.mark.parametrize("verdict", ["normal", "anomaly", "unsure"])
def test_a_review_ends_it_and_what_follows_is_what_is_compared_with(
    hall: Hall, verdict: str
) -> None:
    row = drifted(hall)
    with hall.database.writing() as session:
        reviews.add(session, [row.id], verdict, "ada", hall.now)
    hall.drifts.reviewed([row.id])
    (row,) = hall.rows()
    assert (row.state, row.ended, row.verdict) == ("ended", hall.now, verdict)
    for _ in range(20):
        hall.day(1.5)
    assert len(hall.rows()) == 1
    while len(hall.rows()) == 1 and hall.days < 60:
        hall.day(3.5)
    assert [each.state for each in hall.rows()] == ["ended", "open"]


def test_a_review_that_is_taken_back_lets_it_be_told_again(hall: Hall) -> None:
    row = drifted(hall)
    with hall.database.writing() as session:
        (review,) = reviews.add(session, [row.id], "normal", "ada", hall.now)
    hall.drifts.reviewed([row.id])
    with hall.database.writing() as session:
        reviews.undo(session, review, "ada", hall.now)
    hall.drifts.reviewed([row.id])
    hall.drifts.look()
    assert [each.state for each in hall.rows()] == ["ended", "open"]


def test_reviews_of_other_incidents_say_nothing(hall: Hall) -> None:
    row = drifted(hall)
    alarm = hall.heard.incident()
    with hall.database.writing() as session:
        write(session, alarm)
        reviews.add(session, [alarm.id], "normal", "ada", hall.now)
    hall.drifts.reviewed([alarm.id])
    assert {each.id: each.state for each in hall.rows()} == {row.id: "open", alarm.id: "open"}


def test_a_station_that_is_started_again_goes_on_with_it(hall: Hall) -> None:
    row = drifted(hall)
    told = len(hall.told)
    hall.drifts = hall.new_drifts()
    hall.drifts.look()
    assert len(hall.told) == told
    hall.day(1.5)
    assert [each.id for each in hall.rows()] == [row.id]


def test_what_was_heard_before_it_was_looked_for_is_caught_up_with_in_parts(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, hall.drifts.look = hall.drifts.look, lambda: None  # type: ignore[method-assign]
    for _ in range(FIRST_DAYS + 2):
        hall.day()
    for _ in range(5):
        hall.day(1.5)
    hall.drifts.look = look  # type: ignore[method-assign]
    monkeypatch.setattr(drifting, "MOST_DAYS", 8)
    counts = []
    for _ in range(4):
        hall.drifts.look()
        with hall.database.reading() as session:
            counts.append(session.scalar(select(func.count()).select_from(DayRow)))
    assert counts == [8, 16, 21, 21]
    assert [row.kind for row in hall.rows()] == ["drift"]
