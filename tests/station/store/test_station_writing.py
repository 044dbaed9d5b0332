"""Records become rows; written twice they leave what once leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from made_up_heard import MINUTE, NOW, Heard
from rattle.station.records import IncidentChanged, MinuteHeard
from rattle.station.store.database import Database
from rattle.station.store.rows import ClipDropped, ClipKept, Written
from rattle.station.store.tables import (
    Base,
    ClipRow,
    IncidentRow,
    MinuteRow,
    StretchRow,
    ThresholdRow,
)
from rattle.station.store.writing import write, write_all


def kept(heard: Heard, incident: IncidentChanged, **changes: Any) -> ClipKept:
    clip = ClipKept(
        source_id=heard.source_id,
        incident_id=incident.id,
        use="incident",
        start=NOW,
        sample_rate_hz=16_000,
        seconds=30.0,
        peak=2.0,
        sha256="0" * 64,
        path="clips/00/0.flac",
        bytes=1000,
        speech=None,
    )
    return replace(clip, **changes)


def of_every_kind(heard: Heard) -> list[Written]:
    threshold = heard.threshold()
    incident = heard.incident(threshold_id=threshold.id)
    return [
        heard.minute(0),
        heard.minute(1),
        threshold,
        incident,
        heard.stretch(incident),
        replace(incident, level="alarm", peak=4.0),
        heard.stretch(incident, last=5, peak=4.0),
        kept(heard, incident),
        ClipDropped(incident.id, "the disk is full"),
        replace(incident, level="alarm", peak=4.0, state="ended", ended=NOW + 9 * MINUTE),
    ]


def contents(session: Session) -> dict[str, list[Any]]:
    """All rows but the numbers that the database gives."""
    found = {}
    for table in Base.metadata.sorted_tables:
        columns = [
            column for column in table.columns if (table.name, column.name) != ("clip", "id")
        ]
        rows = session.execute(select(*columns).order_by(*table.primary_key.columns)).all()
        found[table.name] = [
            tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in row)
            for row in rows
        ]
    return found


def test_every_record_is_read_as_it_was_told(database: Database, heard: Heard) -> None:
    told = of_every_kind(heard)
    with database.writing() as session:
        write_all(session, told)
    with database.reading() as session:
        minutes = session.scalars(select(MinuteRow).order_by(MinuteRow.at)).all()
        assert [minute.at for minute in minutes] == [NOW, NOW + MINUTE]
        np.testing.assert_array_equal(minutes[1].scores, heard.minute(1).scores)
        assert minutes[1].minutes.tolist() == [2.0]
        threshold = session.scalars(select(ThresholdRow)).one()
        assert (threshold.level, threshold.value, threshold.minutes) == ("alarm", 1.5, 120)
        incident = session.scalars(select(IncidentRow)).one()
        assert (incident.level, incident.state, incident.peak) == ("alarm", "ended", 4.0)
        assert incident.ended == NOW + 9 * MINUTE
        assert incident.threshold_id == threshold.id
        assert np.frombuffer(incident.peak_z or b"", "<f2").tolist() == [0, 1, 2, 3]
        assert incident.recording_dropped == "the disk is full"
        stretch = session.scalars(select(StretchRow)).one()
        assert (stretch.first, stretch.last, stretch.peak) == (3, 5, 4.0)
        clip = session.scalars(select(ClipRow)).one()
        assert (clip.incident_id, clip.seconds, clip.protected) == (incident.id, 30.0, False)


@given(again=st.lists(st.integers(0, 9), max_size=15))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_records_that_are_written_again_change_nothing(
    database: Database, heard: Heard, again: list[int]
) -> None:
    told = of_every_kind(heard)
    with database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in ("clip", "stretch", "incident", "minute", "threshold"):
                session.execute(delete(table))
        for record in told:
            write(session, record)
        once = contents(session)
    with database.writing() as session:
        for place in again:
            write(session, told[place])
        write_all(session, [told[place] for place in again])
        assert contents(session) == once


def test_records_of_a_batch_are_written_in_the_order_in_which_they_refer_to_each_other(
    database: Database, heard: Heard
) -> None:
    with database.writing() as session:
        write_all(session, of_every_kind(heard)[::-1])
        assert session.scalars(select(StretchRow)).one().last == 5


def test_a_record_of_an_unknown_source_is_refused(database: Database, heard: Heard) -> None:
    with pytest.raises(IntegrityError), database.writing() as session:
        write(session, heard.minute(source_id="nobody"))


@pytest.mark.parametrize("state", ["ended", "interrupted"])
def test_an_incident_that_is_over_is_not_opened_by_an_older_record(
    database: Database, heard: Heard, state: Any
) -> None:
    opened = heard.incident()
    with database.writing() as session:
        write(session, replace(opened, state=state, ended=NOW + MINUTE, peak=3.0))
        write(session, opened)
    with database.reading() as session:
        row = session.get_one(IncidentRow, opened.id)
        assert (row.state, row.ended, row.peak) == (state, NOW + MINUTE, 3.0)


def test_an_alarm_is_not_made_a_watch_by_an_older_record(database: Database, heard: Heard) -> None:
    watch = heard.incident()
    with database.writing() as session:
        write(session, replace(watch, level="alarm", peak=5.0, peak_at=NOW + MINUTE))
        write(session, watch)
    with database.reading() as session:
        row = session.get_one(IncidentRow, watch.id)
        assert (row.level, row.peak, row.peak_at) == ("alarm", 5.0, NOW + MINUTE)


def test_what_a_person_said_stays_when_an_incident_changes(
    database: Database, heard: Heard
) -> None:
    incident = heard.incident()
    with database.writing() as session:
        write(session, incident)
        session.get_one(IncidentRow, incident.id).verdict = "anomaly"
        write(session, replace(incident, state="ended", ended=NOW + MINUTE))
    with database.reading() as session:
        assert session.get_one(IncidentRow, incident.id).verdict == "anomaly"


@pytest.mark.parametrize("older_first", [True, False])
def test_an_incident_that_was_left_open_ends_when_the_next_of_its_subject_begins(
    database: Database, heard: Heard, older_first: bool
) -> None:
    older = heard.incident()
    newer = heard.incident(opened=NOW + 5 * MINUTE)
    with database.writing() as session:
        for record in (older, newer) if older_first else (newer, older):
            write(session, record)
    with database.reading() as session:
        rows = {row.id: row for row in session.scalars(select(IncidentRow))}
    assert (rows[older.id].state, rows[older.id].ended) == ("interrupted", NOW + 5 * MINUTE)
    assert rows[newer.id].state == "open"


def test_incidents_of_other_kinds_and_subjects_are_open_side_by_side(
    database: Database, heard: Heard
) -> None:
    with database.writing() as session:
        write(session, heard.incident())
        write(session, heard.incident(kind="microphone", subject=heard.source_id))
        write(session, heard.incident(kind="source", subject=heard.source_id))
        write(session, heard.incident(subject=heard.other_machine_id))
    with database.reading() as session:
        assert [row.state for row in session.scalars(select(IncidentRow))] == ["open"] * 4


def test_one_sound_of_two_incidents_is_two_rows(database: Database, heard: Heard) -> None:
    first = heard.incident(state="ended", ended=NOW)
    second = heard.incident()
    with database.writing() as session:
        write_all(session, [first, second, kept(heard, first), kept(heard, second)])
        assert len(session.scalars(select(ClipRow)).all()) == 2


def test_a_recording_that_comes_after_the_review_is_protected(
    database: Database, heard: Heard
) -> None:
    incident = heard.incident()
    with database.writing() as session:
        write(session, incident)
        session.get_one(IncidentRow, incident.id).verdict = "normal"
        write(session, kept(heard, incident))
        assert session.scalars(select(ClipRow)).one().protected


def halves(heard: Heard) -> tuple[MinuteHeard, MinuteHeard]:
    """A minute in which the station was started again: each half with an M of its own."""
    first = heard.minute(
        scores=np.arange(20, dtype=np.float32),
        minutes=(4.0,),
        heard=8,
        running_s=20.0,
        highest=19.0,
        level_db=-20.0,
        fitness="silent",
    )
    second = replace(
        first,
        scores=np.arange(30, 60, dtype=np.float32),
        minutes=(6.0,),
        heard=9,
        running_s=30.0,
        lost_s=10.0,
        highest=59.0,
        level_db=-20.0,
        fitness="",
    )
    return first, second


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 1), (0, 1, 0), (0, 0, 1, 0, 1)])
def test_two_parts_of_a_minute_are_joined_once_however_often_they_are_written(
    database: Database, heard: Heard, order: tuple[int, ...]
) -> None:
    for place in order:
        with database.writing() as session:
            write(session, halves(heard)[place])
    with database.reading() as session:
        row = session.scalars(select(MinuteRow)).one()
    assert row.scores.tolist() == [*range(20), *range(30, 60)]
    assert (row.minutes.tolist(), row.heard) == ([4.0, 6.0], 9)
    assert (row.running_s, row.lost_s, row.highest) == (50.0, 10.0, 59.0)
    assert row.level_db == pytest.approx(-20.0)
    assert row.fitness == "silent"


def test_a_minute_that_is_told_again_longer_is_there_once(database: Database, heard: Heard) -> None:
    before, rest = halves(heard)
    so_far = replace(rest, scores=rest.scores[:10], minutes=(), heard=8, running_s=10.0)
    for told in (before, so_far, rest, so_far):
        with database.writing() as session:
            write(session, told)
    with database.reading() as session:
        row = session.scalars(select(MinuteRow)).one()
    assert row.scores.tolist() == [*range(20), *range(30, 60)]
    assert (row.minutes.tolist(), row.heard) == ([4.0, 6.0], 9)


def test_a_minute_of_another_release_replaces_the_one_before(
    database: Database, heard: Heard
) -> None:
    other = list(heard.registered.releases.values())[1]
    with database.writing() as session:
        write(session, heard.minute())
        write(session, heard.minute(release_id=other, heard=1, minutes=(9.0,)))
        row = session.scalars(select(MinuteRow)).one()
        assert (row.release_id, row.minutes.tolist()) == (other, [9.0])


def test_an_incident_never_ends_before_it_began(database: Database, heard: Heard) -> None:
    older = heard.incident(opened=NOW + MINUTE)
    newer = heard.incident(opened=NOW + MINUTE + timedelta(microseconds=1))
    with database.writing() as session:
        write_all(session, [older, newer])
        row = session.get_one(IncidentRow, older.id)
        assert row.ended is not None
        assert row.ended >= row.opened
