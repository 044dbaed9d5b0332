"""The medians of days, and the step that makes room for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from made_up_heard import MINUTE, NOW, Heard
from rattle.scoring.drift import LEAST_MINUTES
from rattle.station.store import migrate, reviews
from rattle.station.store.database import Database, open_database
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
from rattle.station.store.tables import ClipRow, IncidentRow, MinuteRow, ReviewRow, SourceRow
from rattle.station.store.writing import write, write_all

TODAY = day_of(NOW)


@pytest.fixture
def schema_before(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database that knows no step from this one on."""
    steps = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, steps)
    for step in (steps / "versions").glob("*.py"):
        if step.name >= "0006":
            step.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "FOLDER", steps)
        opened = open_database(url, tmp_path / "data")
    yield opened
    opened.close()


def test_a_table_that_others_refer_to_is_made_anew_with_all_that_is_in_it(
    schema_before: Database, url: str, tmp_path: Path
) -> None:
    heard = Heard.of(schema_before)
    incident = heard.incident()
    with schema_before.writing() as session:
        write_all(session, [incident, heard.stretch(incident)])
        (review,) = reviews.add(session, [incident.id], "anomaly", "ada", NOW, "bearing")
    with pytest.raises(IntegrityError), schema_before.writing() as session:
        write(session, heard.incident(kind="drift", subject=heard.source_id))
    schema_before.close()
    newer = open_database(url, tmp_path / "data")
    with newer.writing() as session:
        write(session, heard.incident(kind="drift", subject=heard.source_id))
    with newer.reading() as session:
        assert session.scalar(select(func.count()).select_from(IncidentRow)) == 2
        row = session.get(IncidentRow, incident.id)
        assert row is not None
        assert (row.verdict, row.fault, row.peak) == ("anomaly", "bearing", incident.peak)
        kept = session.get(ReviewRow, review)
        assert kept is not None
        assert kept.incident_id == incident.id
        if url == "sqlite":
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    with pytest.raises(IntegrityError), newer.writing() as session:
        session.execute(ClipRow.__table__.insert(), [_clip(heard, "nobody")])  # type: ignore[attr-defined]
    # One of a kind and subject is open: the index came along.
    with pytest.raises(IntegrityError), newer.writing() as session:
        session.add(_row(heard, incident.id))
    newer.close()


def _clip(heard: Heard, incident_id: str) -> dict[str, object]:
    return {
        "sha256": "0" * 64,
        "source_id": heard.source_id,
        "incident_id": incident_id,
        "path": "x",
        "start": NOW,
        "seconds": 1.0,
        "sample_rate_hz": 16_000,
        "bytes": 1,
        "use": "incident",
        "protected": False,
        "missing": False,
    }


def _row(heard: Heard, like: str) -> IncidentRow:
    made = heard.incident()
    return IncidentRow(
        id=made.id,
        machine_id=made.machine_id,
        source_id=made.source_id,
        subject=made.subject,
        kind="machine",
        level="watch",
        state="open",
        opened=NOW,
        reason=like,
    )


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
        session.get_one(SourceRow, heard.source_id).listed = False
        assert interrupt(session, NOW + timedelta(days=2), sources[1:]) == [drift.id]
