"""What is read of incidents, reviews and recordings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from made_up_station import MadeUpStation
from sqlalchemy import update

from rattle.errors import DataError
from rattle.station.ids import new_id
from rattle.station.store.reading.incidents import (
    counts_by_verdict,
    faults_named,
    incident,
    incidents,
    nearest,
    reviews_of,
)
from rattle.station.store.tables import IncidentRow, ReviewRow


def words(station: MadeUpStation, ids: list[str]) -> list[str]:
    by_id = {id_: word for word, id_ in station.incidents.items()}
    return [by_id[id_] for id_ in ids]


NEWEST_FIRST = [
    "open alarm",
    "microphone",
    "watch",
    "alarm",
    "fault",
    "false",
    "unsure",
    "source",
    "old",
]


def test_incidents_come_newest_first_with_names_threshold_and_recording(
    station: MadeUpStation,
) -> None:
    with station.context.database.reading() as session:
        found = incidents(session)
    assert words(station, [each.id for each in found]) == NEWEST_FIRST
    first = found[0]
    assert (first.machine, first.source, first.threshold) == ("press-3", "press cam", 1.3)
    assert [clip.sha256 for clip in first.clips] == [station.clips["open alarm"]]
    assert first.explanation is not None
    assert found[1].clips == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": "microphone"}, ["microphone"]),
        ({"level": "moment"}, ["other moment", "moment"]),
        ({"level": "watch"}, ["watch", "unsure", "old"]),
        ({"verdict": "anomaly"}, ["fault"]),
        ({"verdict": "none", "kind": "machine"}, ["open alarm", "watch", "alarm", "old"]),
        ({"state": "interrupted"}, ["unsure"]),
        ({"state": "open", "level": "alarm"}, ["open alarm", "microphone"]),
    ],
)
def test_each_filter_leaves_those_it_names(
    station: MadeUpStation, asked: dict[str, str], expected: list[str]
) -> None:
    with station.context.database.reading() as session:
        found = incidents(session, **asked)  # type: ignore[arg-type]
        assert words(station, [each.id for each in found]) == expected


def test_pages_join_without_a_gap_or_a_repeat(station: MadeUpStation) -> None:
    read: list[str] = []
    with station.context.database.writing() as session:
        # Two that opened at one moment are told apart by their ids.
        opened = incidents(session)[3].opened
        session.execute(
            update(IncidentRow)
            .where(IncidentRow.id == station.incidents["watch"])
            .values(opened=opened)
        )
    with station.context.database.reading() as session:
        before = None
        while page := incidents(session, before=before, limit=2):
            read += [each.id for each in page]
            before = page[-1].id
        assert read == [each.id for each in incidents(session)]
        assert len(set(read)) == len(NEWEST_FIRST)


def test_a_page_before_an_unknown_incident_is_refused(station: MadeUpStation) -> None:
    with (
        station.context.database.reading() as session,
        pytest.raises(DataError, match="no incident 'nothing'"),
    ):
        incidents(session, before="nothing")


def test_the_nearest_are_past_ones_by_distance_with_their_verdicts(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        near = nearest(session, station.incidents["open alarm"])
    assert words(station, [each.incident.id for each in near])[0] in ("watch", "false", "old")
    distances = [each.distance for each in near]
    assert distances == sorted(distances)
    assert len(near) == 5
    by_word = dict(zip(words(station, [e.incident.id for e in near]), near, strict=True))
    assert by_word["false"].incident.verdict == "normal"


def test_what_came_later_or_has_another_encoder_or_no_sound_is_no_neighbour(
    station: MadeUpStation,
) -> None:
    with station.context.database.writing() as session:
        session.execute(
            update(IncidentRow)
            .where(IncidentRow.id == station.incidents["old"])
            .values(release_id=station.releases["fan-1"])
        )
    with station.context.database.reading() as session:
        near = nearest(session, station.incidents["fault"], limit=20)
        assert set(words(station, [each.incident.id for each in near])) == {"false", "unsure"}
        assert nearest(session, station.incidents["microphone"]) == []


def test_a_review_that_was_taken_back_says_so(station: MadeUpStation) -> None:
    now = station.context.now()
    with station.context.database.writing() as session:
        session.add(
            ReviewRow(
                id=new_id(now),
                incident_id=station.incidents["fault"],
                at=now,
                who="bob",
                verdict="undo",
                fault=None,
                comment=None,
                undoes=station.reviews["fault"],
            )
        )
    with station.context.database.reading() as session:
        said = reviews_of(session, station.incidents["fault"])
    assert [(each.verdict, each.who, each.undone) for each in said] == [
        ("undo", "bob", False),
        ("anomaly", "ada", True),
    ]


def test_verdicts_are_counted_of_machines_alone(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        assert counts_by_verdict(session) == {"anomaly": 1, "normal": 1, "unsure": 1, "none": 4}
        of_pump = counts_by_verdict(session, station.machines["pump 7"])
        assert of_pump == {"anomaly": 0, "normal": 0, "unsure": 1, "none": 1}
        assert faults_named(session) == ["bearing"]


def test_an_incident_of_no_such_id_is_none(station: MadeUpStation) -> None:
    with station.context.database.reading() as session:
        assert incident(session, new_id(station.context.now() - timedelta(days=1))) is None
