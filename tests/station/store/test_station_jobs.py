"""A training is one worker's at a time, is tried three times, and follows what people say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from made_up_heard import NOW, Heard
from rattle.station.store import jobs
from rattle.station.store.database import Database
from rattle.station.store.jobs import LOG_CHARACTERS, TRIES, Wanted
from rattle.station.store.reading.jobs import JobView, count_jobs, job
from rattle.station.store.reading.jobs import jobs as list_jobs
from rattle.station.store.tables import JobRow, ReleaseRow

LEASE, SETTLES = timedelta(minutes=2), timedelta(minutes=1)
LATER = NOW + timedelta(minutes=5)
FAULT = {"incident": "anomaly"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time it is for all stations is what the test says."""
    monkeypatch.setattr("rattle.station.store.jobs.time_of", lambda _session, now: now)


def want(
    heard: Heard, database: Database, learnt: dict[str, str], at: datetime = NOW, node: str = "hall"
) -> str | None:
    wanted = Wanted(heard.machine_id, heard.release_id, node, learnt)
    with database.writing() as session:
        return jobs.want(session, wanted, at)


def claim(
    database: Database, at: datetime = LATER, worker: str = "one", node: str = "hall"
) -> str | None:
    with database.writing() as session:
        row = jobs.claim(session, node, worker, at, LEASE, SETTLES)
        return None if row is None else row.id


def fail(database: Database, id_: str, *, worker: str = "one", for_good: bool = False) -> bool:
    with database.writing() as session:
        return jobs.fail(session, id_, worker, "no memory", LATER, for_good=for_good)


def view(database: Database, id_: str | None) -> JobView:
    assert id_ is not None
    with database.reading() as session:
        found = job(session, id_)
    assert found is not None
    return found


def test_one_is_claimed_a_minute_after_the_verdict_by_one_worker(
    heard: Heard, database: Database
) -> None:
    id_ = want(heard, database, FAULT)
    assert claim(database, NOW + SETTLES - timedelta(seconds=1)) is None
    assert claim(database, node="another") is None
    assert claim(database) == id_
    assert claim(database, worker="two") is None
    found = view(database, id_)
    assert (found.state, found.worker, found.tries) == ("running", "one", 1)
    assert "try 1 of 3, by one" in found.log


def test_the_same_verdicts_ask_for_one_training_alone(heard: Heard, database: Database) -> None:
    id_ = want(heard, database, FAULT)
    assert want(heard, database, FAULT, LATER) is None
    claim(database)
    assert want(heard, database, FAULT, LATER) is None
    fail(database, str(id_), for_good=True)
    assert want(heard, database, FAULT, LATER) is None


def test_newer_verdicts_take_the_place_of_what_waits_and_wait_for_what_runs(
    heard: Heard, database: Database
) -> None:
    first = want(heard, database, FAULT)
    second = want(heard, database, {**FAULT, "other": "normal"})
    assert view(database, first).state == "dropped"
    assert claim(database) == second
    third = want(heard, database, {**FAULT, "third": "normal"}, LATER)
    assert view(database, second).state == "running"
    later = LATER + SETTLES
    assert claim(database, later, worker="two") is None  # one of a machine at a time
    with database.writing() as session:
        jobs.finish(session, str(second), "01" * 13, "done", later)
    assert claim(database, later, worker="two") == third


def test_who_says_nothing_loses_it_and_who_says_how_far_it_is_keeps_it(
    heard: Heard, database: Database
) -> None:
    id_ = str(want(heard, database, FAULT))
    claim(database)
    with database.writing() as session:
        at = LATER + timedelta(seconds=100)
        assert jobs.renew(session, id_, "one", 0.5, "training", at, LEASE)
    assert claim(database, LATER + timedelta(seconds=200), worker="two") is None
    assert view(database, id_).progress == 0.5
    assert claim(database, LATER + timedelta(seconds=221), worker="two") == id_
    with database.writing() as session:
        assert not jobs.renew(session, id_, "one", 0.9, "training", LATER, LEASE)
    assert not fail(database, id_, worker="one")
    found = view(database, id_)
    assert (found.worker, found.tries) == ("two", 2)
    assert "one was not heard of any more" in found.log


def test_who_was_asleep_goes_on_where_nobody_else_has_begun(
    heard: Heard, database: Database
) -> None:
    id_ = str(want(heard, database, FAULT))
    claim(database)
    with database.writing() as session:
        assert jobs.renew(session, id_, "one", 0.5, "training", LATER + 3 * LEASE, LEASE)


def test_it_is_tried_three_times_and_its_log_says_why(heard: Heard, database: Database) -> None:
    id_ = str(want(heard, database, FAULT))
    for number in range(TRIES):
        assert view(database, id_).state == "waiting"
        assert claim(database, worker=f"worker {number}") == id_
        assert fail(database, id_, worker=f"worker {number}")
    found = view(database, id_)
    assert (found.state, found.said, found.tries) == ("failed", "no memory", 3)
    assert found.log.count("no memory") == 3
    assert found.ended == LATER
    assert claim(database) is None


def test_three_workers_that_die_end_it_too(heard: Heard, database: Database) -> None:
    id_ = want(heard, database, FAULT)
    at = LATER
    for _ in range(TRIES):
        assert claim(database, at) == id_
        at += 2 * LEASE
    assert claim(database, at) is None
    assert view(database, id_).state == "failed"


def test_of_what_fails_for_good_there_is_no_second_try(heard: Heard, database: Database) -> None:
    id_ = str(want(heard, database, FAULT))
    claim(database)
    fail(database, id_, for_good=True)
    assert (view(database, id_).state, view(database, id_).tries) == ("failed", 1)


def test_one_whose_release_was_taken_back_is_asked_for_again(
    heard: Heard, database: Database
) -> None:
    id_ = str(want(heard, database, FAULT))
    claim(database)
    with database.writing() as session:
        jobs.finish(session, id_, heard.release_id, "done", LATER)
    assert want(heard, database, FAULT, LATER) is None
    with database.writing() as session:
        session.get_one(ReleaseRow, heard.release_id).state = "superseded"
    assert want(heard, database, FAULT, LATER) is not None


def test_a_station_that_takes_a_machine_over_asks_for_what_was_another_ones(
    heard: Heard, database: Database
) -> None:
    first = want(heard, database, FAULT)
    second = want(heard, database, FAULT, node="other hall")
    assert view(database, first).state == "dropped"
    assert claim(database, node="other hall") == second
    # What runs there could not be used by who has the machine now.
    third = want(heard, database, FAULT)
    assert view(database, second).state == "dropped"
    assert claim(database) == third
    fail(database, str(third), for_good=True)
    assert want(heard, database, FAULT) is None
    assert want(heard, database, FAULT, node="other hall") is not None


def test_without_a_verdict_nothing_is_trained(heard: Heard, database: Database) -> None:
    first = str(want(heard, database, FAULT))
    claim(database)
    second = want(heard, database, {**FAULT, "other": "normal"})
    with database.writing() as session:
        jobs.drop(session, heard.machine_id, "its verdicts were taken back", LATER)
        assert not jobs.has_any(session)
        assert not jobs.renew(session, first, "one", 0.5, "training", LATER, LEASE)
    assert {view(database, first).state, view(database, second).state} == {"dropped"}
    with database.reading() as session:
        assert count_jobs(session) == {"dropped": 2}
        assert {each.id for each in list_jobs(session, heard.machine_id)} == {first, second}


def test_of_a_long_log_the_end_is_kept(heard: Heard, database: Database) -> None:
    id_ = str(want(heard, database, FAULT))
    with database.writing() as session:
        row = session.get_one(JobRow, id_)
        for number in range(3000):
            jobs.note(row, f"line {number}", LATER)
    log = view(database, id_).log
    assert len(log) == LOG_CHARACTERS
    assert log.endswith("line 2999\n")
