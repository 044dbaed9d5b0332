"""A fault of a microphone or source is an incident of its own kind, with its causes in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from rattle.station.judge.troubles import MOVED, SourceTroubles
from rattle.station.records import IncidentChanged

BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER = BEGAN + timedelta(minutes=5)


def troubles(
    told: list[IncidentChanged], restored: Sequence[IncidentChanged] = ()
) -> SourceTroubles:
    return SourceTroubles(
        "mic",
        "fan",
        tell=told.append,  # type: ignore[arg-type]
        restored=restored,
    )


def test_it_opens_with_the_first_cause_and_ends_with_the_last() -> None:
    told: list[IncidentChanged] = []
    of = troubles(told)
    of.say("lost", "no route to host", BEGAN)
    of.say("no windows", "no window for 60 s", BEGAN)
    of.over("lost", LATER)
    of.over("no windows", LATER)
    assert [(each.state, each.reason) for each in told] == [
        ("open", "no route to host"),
        ("open", "no route to host; no window for 60 s"),
        ("open", "no window for 60 s"),
        ("ended", "no window for 60 s"),
    ]
    assert len({each.id for each in told}) == 1
    assert {(each.kind, each.subject, each.machine_id) for each in told} == {
        ("source", "mic", "fan")
    }
    assert told[-1].ended == LATER


def test_what_is_said_again_is_told_once_and_what_never_was_is_not_over() -> None:
    told: list[IncidentChanged] = []
    of = troubles(told)
    of.over("unfit", BEGAN)
    of.say("unfit", "silent", BEGAN)
    of.say("unfit", "silent", LATER)
    assert len(told) == 1
    assert of.reason("microphone") == "silent"
    assert of.reason("source") == ""


def test_a_microphone_and_its_source_have_incidents_of_their_own() -> None:
    told: list[IncidentChanged] = []
    of = troubles(told)
    of.say("unfit", "silent", BEGAN)
    of.say("lost", "cable", BEGAN)
    assert [each.kind for each in told] == ["microphone", "source"]
    assert told[0].id != told[1].id


@pytest.mark.parametrize(
    ("kind", "reason", "cause"),
    [
        ("source", "cable", "lost"),
        ("microphone", "silent", "unfit"),
        ("microphone", f"{MOVED} 9 dB louder", "moved"),
    ],
)
def test_one_that_was_open_when_the_station_ended_is_ended_by_its_cause(
    kind: str, reason: str, cause: str
) -> None:
    before: list[IncidentChanged] = []
    troubles(before).say(cause, reason, BEGAN)  # type: ignore[arg-type]
    assert before[0].kind == kind
    told: list[IncidentChanged] = []
    after = troubles(told, restored=before)
    after.say(cause, reason, LATER)  # type: ignore[arg-type]
    assert told == []
    after.over(cause, LATER)  # type: ignore[arg-type]
    assert [(each.id, each.state) for each in told] == [(before[0].id, "ended")]
