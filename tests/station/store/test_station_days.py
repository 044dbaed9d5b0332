"""The medians of days, and what a drift is judged by beside them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from made_up_heard import MINUTE, NOW, Heard
from rattle.scoring.drift import LEAST_MINUTES
from rattle.station.store import reviews
from rattle.station.store.database import Database
from rattle.station.store.days import (
    A_DAY,
    Day,
    day_of,
    days_noted,
    first_to_note,
    last_looked_at,
    note_day,
    open_drift,
    read_day,
)
from rattle.station.store.history import interrupt
from rattle.station.store.tables import MinuteRow, SourceRow
from rattle.station.store.writing import write, write_all

TODAY = day_of(NOW)


def test_a_day_is_the_median_of_its_minutes(database: Database, heard: Heard) -> None:
    values = np.random.default_rng(5).normal(size=(LEAST_MINUTES, 2))
    at = TODAY - A_DAY
    with database.writing() as session:
        for place, pair in enumerate(values):
            minute = heard.minute(minutes=tuple(pair), heard=2 * place + 2, at=at + place * MINUTE)
            write(session, minute)
        write(session, heard.minute(minutes=(99.0,), heard=999, at=TODAY))
    with database.reading() as session:
        day = read_day(session, heard.source_id, heard.release_id, at)
        assert day == Day(at, float(np.median(values)), values.size)
        # One minute is too few to say anything.
        assert read_day(session, heard.source_id, heard.release_id, TODAY) is None


def test_days_are_noted_once_and_outlive_their_minutes(database: Database, heard: Heard) -> None:
    of = (heard.source_id, heard.release_id)
    with database.reading() as session:
        assert first_to_note(session, *of) is None
    with database.writing() as session:
        write(session, heard.minute(at=TODAY - 3 * A_DAY + MINUTE))
    with database.writing() as session:
        assert first_to_note(session, *of) == TODAY - 3 * A_DAY
        for ago, median in ((3, 0.5), (1, 0.7), (3, 9.0)):
            note_day(session, *of, Day(TODAY - ago * A_DAY, median, 200))
        session.query(MinuteRow).delete()
    with database.reading() as session:
        assert first_to_note(session, *of) == TODAY
        days, medians = days_noted(session, *of, None)
        assert days == [TODAY - 3 * A_DAY, TODAY - A_DAY]
        np.testing.assert_array_equal(medians, [0.5, 0.7])
        days, _ = days_noted(session, *of, TODAY - 2 * A_DAY)
        assert days == [TODAY - A_DAY]
        assert days_noted(session, heard.other_source_id, heard.release_id, None)[0] == []


def test_a_review_of_a_drift_counts_until_it_is_taken_back(
    database: Database, heard: Heard
) -> None:
    drift = heard.incident(kind="drift", subject=heard.source_id, peak=None, peak_z=None)
    other = heard.incident()
    with database.writing() as session:
        write_all(session, [drift, other])
        reviews.add(session, [other.id], "normal", "ada", NOW)
    with database.reading() as session:
        found = open_drift(session, heard.source_id)
        assert found is not None
        assert found.id == drift.id
        assert last_looked_at(session, heard.source_id) is None
    with database.writing() as session:
        (review,) = reviews.add(session, [drift.id], "unsure", "ada", NOW)
    with database.writing() as session:
        assert last_looked_at(session, heard.source_id) == NOW
        assert last_looked_at(session, heard.other_source_id) is None
        reviews.undo(session, review, "ada", NOW + MINUTE)
    with database.reading() as session:
        assert last_looked_at(session, heard.source_id) is None


def test_a_drift_goes_on_while_the_station_is_off(database: Database, heard: Heard) -> None:
    drift = heard.incident(kind="drift", subject=heard.source_id)
    alarm = heard.incident()
    with database.writing() as session:
        write_all(session, [drift, alarm, heard.minute()])
    sources = [heard.source_id, heard.other_source_id]
    with database.writing() as session:
        assert interrupt(session, NOW + timedelta(days=2), sources) == [alarm.id]
    # But not where its source left the file.
    with database.writing() as session:
        left = session.get(SourceRow, heard.source_id)
        assert left is not None
        left.listed = False
    with database.writing() as session:
        assert interrupt(session, NOW + timedelta(days=2), sources) == [drift.id]
