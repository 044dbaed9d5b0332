"""What people said is kept; an incident follows the newest review that stands."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from made_up_heard import MINUTE, NOW, Heard
from rattle.errors import DataError
from rattle.station.store import reviews
from rattle.station.store.database import Database
from rattle.station.store.rows import ClipKept
from rattle.station.store.tables import AuditRow, ClipRow, IncidentRow, ReviewRow
from rattle.station.store.writing import write, write_all


def an_incident(database: Database, heard: Heard) -> str:
    incident = heard.incident(state="ended", ended=NOW)
    clip = ClipKept(
        heard.source_id, incident.id, "incident", NOW, 16_000, 1.0, 2.0, "0" * 64, "p", 9, None
    )
    with database.writing() as session:
        write_all(session, [incident, clip])
    return incident.id


def said(database: Database, incident_id: str) -> tuple[str | None, str | None, str | None]:
    with database.reading() as session:
        row = session.get_one(IncidentRow, incident_id)
        clips = session.scalars(select(ClipRow).where(ClipRow.incident_id == incident_id)).all()
        assert {clip.protected for clip in clips} == {row.verdict is not None}
        return row.verdict, row.fault, row.comment


def test_a_review_is_what_the_incident_says_and_protects_its_recordings(
    database: Database, heard: Heard
) -> None:
    one, other = an_incident(database, heard), an_incident(database, heard)
    with database.writing() as session:
        [review] = reviews.add(session, [one], "anomaly", "ann", NOW, "bearing", "loud")
    assert said(database, one) == ("anomaly", "bearing", "loud")
    assert said(database, other) == (None, None, None)
    with database.reading() as session:
        row = session.get_one(ReviewRow, review)
        assert (row.who, row.at, row.verdict, row.fault) == ("ann", NOW, "anomaly", "bearing")
        audit = session.scalars(select(AuditRow)).one()
        assert (audit.who, audit.what, audit.detail["incidents"]) == ("ann", "review", [one])


def test_the_newest_review_counts_even_where_the_clock_went_back(
    database: Database, heard: Heard
) -> None:
    incident = an_incident(database, heard)
    for verdict, at in (("anomaly", NOW), ("normal", NOW - timedelta(hours=1)), ("unsure", NOW)):
        with database.writing() as session:
            reviews.add(session, [incident], verdict, "ann", at)
        assert said(database, incident)[0] == verdict


def test_an_undo_brings_back_the_review_before(database: Database, heard: Heard) -> None:
    incident = an_incident(database, heard)
    with database.writing() as session:
        [first] = reviews.add(session, [incident], "anomaly", "ann", NOW, "bearing")
        [second] = reviews.add(session, [incident], "normal", "ben", NOW + MINUTE)
        reviews.undo(session, second, "ben", NOW + 2 * MINUTE)
    assert said(database, incident) == ("anomaly", "bearing", None)
    with database.writing() as session:
        reviews.undo(session, first, "ann", NOW + 3 * MINUTE)
    assert said(database, incident) == (None, None, None)
    with database.reading() as session:
        assert len(session.scalars(select(ReviewRow)).all()) == 4


@given(
    steps=st.lists(st.sampled_from(["anomaly", "normal", "unsure", "undo", "undo older"])),
)
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_however_reviews_and_undos_follow_the_newest_that_stands_counts(
    database: Database, heard: Heard, steps: list[str]
) -> None:
    incident = an_incident(database, heard)
    standing: list[tuple[str, str]] = []
    for place, step in enumerate(steps):
        with database.writing() as session:
            at = NOW + place * MINUTE
            if not step.startswith("undo"):
                [review] = reviews.add(session, [incident], step, "ann", at)
                standing.append((review, step))
            elif standing:
                review, _ = standing.pop(-1 if step == "undo" else 0)
                reviews.undo(session, review, "ann", at)
        assert said(database, incident)[0] == (standing[-1][1] if standing else None)


def test_many_are_reviewed_at_once_or_none(database: Database, heard: Heard) -> None:
    incidents = [an_incident(database, heard) for _ in range(3)]
    with (
        pytest.raises(DataError, match="there is no incident nothing"),
        database.writing() as session,
    ):
        reviews.add(session, [*incidents, "nothing"], "normal", "ann", NOW)
    assert [said(database, each)[0] for each in incidents] == [None] * 3
    with database.writing() as session:
        made = reviews.add(session, [*incidents, incidents[0]], "normal", "ann", NOW)
    assert len(made) == 3
    assert [said(database, each)[0] for each in incidents] == ["normal"] * 3


@pytest.mark.parametrize("what", ["twice", "undo", "unknown"])
def test_only_a_review_that_stands_is_taken_back(
    database: Database, heard: Heard, what: str
) -> None:
    incident = an_incident(database, heard)
    with database.writing() as session:
        [review] = reviews.add(session, [incident], "normal", "ann", NOW)
        taken_back = reviews.undo(session, review, "ann", NOW)
    chosen, message = {
        "twice": (review, "was taken back already"),
        "undo": (taken_back, "takes a review back itself"),
        "unknown": ("nothing", "there is no review nothing"),
    }[what]
    with pytest.raises(DataError, match=message), database.writing() as session:
        reviews.undo(session, chosen, "ann", NOW)


def test_what_is_no_verdict_is_refused(database: Database, heard: Heard) -> None:
    incident = an_incident(database, heard)
    with pytest.raises(DataError, match="'undo' is no verdict"), database.writing() as session:
        reviews.add(session, [incident], "undo", "ann", NOW)


def test_people_review_while_the_station_writes(database: Database, heard: Heard) -> None:
    incidents = [heard.incident(state="ended", ended=NOW) for _ in range(6)]
    errors: list[Exception] = []

    def work(backwards: bool) -> None:
        order = incidents[::-1] if backwards else incidents
        try:
            for _ in range(10):
                with database.writing() as session:
                    if backwards:
                        reviews.add(session, [each.id for each in order], "normal", "ann", NOW)
                    else:
                        write_all(session, order)
        except Exception as error:
            errors.append(error)

    with database.writing() as session:
        for incident in incidents:
            write(session, incident)
    threads = [threading.Thread(target=work, args=(place % 2 == 0,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.reading() as session:
        assert len(session.scalars(select(ReviewRow)).all()) == 120
