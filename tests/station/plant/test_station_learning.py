"""Verdicts make a head, the gate shows it, a person chooses it: without a window lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Timer
from typing import Any

import numpy as np
import pytest
from plant_kit import (
    HEARD,
    RATE_HZ,
    Given,
    between,
    plant_file,
    remember_minutes,
    rows,
    say,
    started,
    waited_for,
)

from rattle import DataError
from rattle.errors import StorageError
from rattle.station.config.model import Learn
from rattle.station.learn.incidents import is_test
from rattle.station.plant import promoting
from rattle.station.plant.station import Plant
from rattle.station.store import embedding_files, reviews
from rattle.station.store.tables import (
    IncidentRow,
    MinuteRow,
    PromotionRow,
    ReleaseRow,
    StretchRow,
)


@pytest.fixture
def heard(
    tmp_path: Path,
    exported_file: Path,
    healthy: np.ndarray,
    odd: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Plant, Given, datetime]]:
    """A plant whose machine has hissed for half a minute; no incident is kept for the test."""
    monkeypatch.setattr("rattle.station.learn.incidents.TEST_SHARE", 10**12)
    file = plant_file(tmp_path / "data", exported_file)
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = started(file, source)
    ended = source.put(odd, datetime.now(UTC) - timedelta(minutes=2))
    yield plant, source, ended
    plant.stop()


def offered(plant: Plant) -> ReleaseRow | None:
    states = ("candidate", "refused")
    return next((r for r in rows(plant, ReleaseRow) if r.state in states and r.gate), None)


def live(plant: Plant) -> ReleaseRow:
    return next(row for row in rows(plant, ReleaseRow) if row.state == "live")


def stored_windows(plant: Plant) -> int:
    (source,) = plant.board.sources()
    until = datetime.now(UTC) + timedelta(minutes=10)
    pieces = embedding_files.read(plant.file.data, source, until - timedelta(hours=2), until)
    return sum(len(piece.ends) for piece in pieces)


def told(plant: Plant, source: Given, ended: datetime) -> datetime:
    """Let two minutes go by, so that embeddings are written; gives when the sound ends."""
    rng = np.random.default_rng(1)
    ended = source.put(rng.normal(0, 0.2, 130 * RATE_HZ).astype(np.float32), ended)
    waited_for(lambda: stored_windows(plant) > 80)
    return ended


def learnt(
    plant: Plant, source: Given, ended: datetime, verdict: str = "anomaly"
) -> tuple[ReleaseRow, datetime]:
    """Let anna say what was heard; gives the head that is offered then, and when the sound ends."""
    ended = told(plant, source, ended)
    say(plant, verdict)
    row: ReleaseRow = waited_for(lambda: offered(plant))
    return row, ended


def chosen(plant: Plant, release_id: str) -> None:
    plant.promote(release_id, "anna", "hears the leak")
    waited_for(lambda: plant.board.machines()[0].release_id == release_id)


def test_a_verdict_is_learnt_from_and_offered(heard: tuple[Plant, Given, datetime]) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    assert row.kind == "head"
    assert list(row.learnt.values()) == ["anomaly"]
    assert row.gate["state"] in ("not shown", "refused")
    assert row.parent_id == live(plant).id
    assert (plant.file.data / row.path).is_file()
    assert waited_for(lambda: plant.board.machines()[0].learning == "")


def test_one_that_is_chosen_takes_over_with_all_that_was_heard(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, ended = learnt(plant, source, ended)
    before = live(plant).id
    chosen(plant, row.id)
    assert live(plant).id == row.id
    (promotion,) = rows(plant, PromotionRow)
    assert (promotion.release_id, promotion.before_id) == (row.id, before)
    assert (promotion.who, promotion.reason) == ("anna", "hears the leak")
    (ear,) = plant._ears.ears.values()
    ledger = ear._judge.ledger
    assert ledger.heard >= HEARD  # carried over: it does not begin to learn anew
    assert ledger.thresholds
    confirmed = [each for each in ledger.incidents if each.verdict == "anomaly"]
    assert confirmed
    # No threshold silences what was confirmed.
    assert ledger.thresholds["alarm"].value < min(each.peak for each in confirmed)
    # What is heard from now on is the new release's.
    source.put(np.random.default_rng(2).normal(0, 1e-3, 130 * RATE_HZ).astype(np.float32), ended)
    waited_for(lambda: any(each.release_id == row.id for each in rows(plant, MinuteRow)))


def test_an_incident_that_goes_on_goes_on_by_the_release_that_is_chosen_meanwhile(
    heard: tuple[Plant, Given, datetime], healthy: np.ndarray
) -> None:
    plant, source, ended = heard
    row, ended = learnt(plant, source, ended)
    chosen(plant, row.id)
    hiss = np.random.default_rng(3).normal(0, 0.2, 130 * RATE_HZ).astype(np.float32)
    ended = source.put(hiss, ended)
    waited_for(lambda: any(each.release_id == row.id for each in rows(plant, MinuteRow)))
    (incident,) = (each for each in rows(plant, IncidentRow) if each.kind == "machine")
    assert (incident.level, incident.state) == ("alarm", "open")
    # It ends once, ten minutes of healthy sound later; what comes then is another.
    noise = np.random.default_rng(1).normal(0, 1e-5, 660 * RATE_HZ)
    ended = source.put((np.tile(healthy, 25)[: 660 * RATE_HZ] + noise).astype(np.float32), ended)
    source.put(hiss, ended)
    waited_for(lambda: len([e for e in rows(plant, IncidentRow) if e.level == "alarm"]) == 2)
    first, second = sorted(
        (each for each in rows(plant, IncidentRow) if each.level == "alarm"),
        key=lambda each: each.opened,
    )
    assert (first.id, first.state, second.state) == (incident.id, "ended", "open")
    stretches = [each for each in rows(plant, StretchRow) if each.release_id == row.id]
    assert {each.incident_id for each in stretches if each.level == "alarm"} == {
        first.id,
        second.id,
    }


def test_what_was_called_normal_can_be_called_a_fault_when_another_release_is_in_use(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended, "normal")
    chosen(plant, row.id)
    (ear,) = plant._ears.ears.values()
    ledger = ear._judge.ledger
    (alarm,) = (each for each in ledger.incidents if each.level == "alarm")
    assert alarm.verdict == "normal"
    assert ledger.experience("alarm").false_incidents == 0  # it was another's
    say(plant, "anomaly")
    assert waited_for(
        lambda: next(e for e in ledger.incidents if e.level == "alarm").verdict == "anomaly"
    )
    assert waited_for(lambda: ledger.thresholds["alarm"].value < alarm.peak)


def test_it_is_in_use_after_a_restart_with_the_same_account(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, ended = learnt(plant, source, ended)
    chosen(plant, row.id)
    source.put(np.random.default_rng(2).normal(0, 1e-3, 130 * RATE_HZ).astype(np.float32), ended)
    waited_for(lambda: any(each.release_id == row.id for each in rows(plant, MinuteRow)))
    (ear,) = plant._ears.ears.values()
    plant.stop()
    before = ear._judge.ledger.account()
    again = started(plant.file, Given())
    try:
        assert again.board.machines()[0].release_id == row.id
        (ear,) = again._ears.ears.values()
        after = ear._judge.ledger.account()
        assert after.heard == before.heard
        np.testing.assert_array_equal(after.minutes, before.minutes)
        assert after.incidents == before.incidents
        assert after.thresholds == before.thresholds
    finally:
        again.stop()


def test_an_older_release_is_chosen_the_same_way_and_is_not_replaced_by_itself(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    before = live(plant).id
    chosen(plant, row.id)
    chosen(plant, before)
    assert live(plant).id == before
    waited_for(lambda: plant._learning._queue.empty())
    assert offered(plant) is None
    (ear,) = plant._ears.ears.values()
    firsts = [(each.level, each.first) for each in ear._judge.ledger.incidents]
    stored = [r for r in rows(plant, StretchRow) if r.release_id == before]
    assert sorted(firsts) == sorted((each.level, each.first) for each in stored)
    with pytest.raises(DataError, match="uses this release already"):
        plant.promote(before, "anna", "")


def test_a_verdict_that_is_taken_back_takes_its_head_back(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    told(plant, source, ended)
    review = say(plant, "normal")
    waited_for(lambda: offered(plant))
    with plant.database.writing() as session:
        reviews.undo(session, review, "anna", datetime.now(UTC))
    plant.reviewed([rows(plant, IncidentRow)[0].id])
    waited_for(lambda: offered(plant) is None)


def taken_back(plant: Plant, review: str) -> None:
    with plant.database.writing() as session:
        reviews.undo(session, review, "anna", datetime.now(UTC))
    plant.reviewed([rows(plant, IncidentRow)[0].id])


def test_a_verdict_that_is_taken_back_takes_what_is_offered_back_to_what_is_in_use(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    chosen(plant, row.id)
    review = say(plant, "normal")
    waited_for(lambda: offered(plant))
    taken_back(plant, review)
    waited_for(lambda: offered(plant) is None)
    assert live(plant).id == row.id


@pytest.mark.parametrize("policy", ["human", "gate"])
def test_of_a_head_in_use_whose_verdicts_were_all_taken_back_the_effect_goes_too(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch, policy: Any
) -> None:
    plant, source, ended = heard
    told(plant, source, ended)
    review = say(plant, "anomaly")
    row: Any = waited_for(lambda: offered(plant))
    before = live(plant).id
    chosen(plant, row.id)
    by_policy = plant.file.model_copy(update={"learn": Learn(policy=policy)})
    monkeypatch.setattr(plant._learning, "_file", by_policy)
    taken_back(plant, review)
    if policy == "human":
        waited_for(lambda: "was taken back" in plant.board.machines()[0].learning)
        assert live(plant).id == row.id
    else:
        waited_for(lambda: plant.board.machines()[0].release_id == before)
        assert [each.who for each in rows(plant, PromotionRow)] == ["anna", "station"]


def test_a_release_that_is_chosen_twice_or_offered_no_more_changes_nothing(
    heard: tuple[Plant, Given, datetime],
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    for _ in range(2):
        plant.promote(row.id, "anna", "hears the leak")
    waited_for(lambda: plant.board.machines()[0].release_id == row.id)
    waited_for(lambda: plant._learning._queue.empty())
    waited_for(lambda: plant.board.machines()[0].learning == "")
    assert len(rows(plant, PromotionRow)) == 1
    say(plant, "normal")
    second: Any = waited_for(lambda: offered(plant))
    choosing = plant._learning._promoting
    waits = choosing.chosen(second.id, "anna", "")
    with plant.database.writing() as session:
        session.get_one(ReleaseRow, second.id).state = "superseded"
    assert not choosing.promote(waits)
    with pytest.raises(DataError, match="offered no more"):
        plant.promote(second.id, "anna", "")
    assert live(plant).id == row.id


def test_where_the_database_goes_away_after_the_rows_the_ears_follow_when_it_is_back(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    account_of, fails = promoting.account_of, [True]

    def away_once(*given: Any) -> Any:
        if fails.pop() if fails else False:
            raise StorageError("the database is away")
        return account_of(*given)

    monkeypatch.setattr("rattle.station.plant.learning.AGAIN_S", 0.1)
    monkeypatch.setattr("rattle.station.plant.promoting.account_of", away_once)
    chosen(plant, row.id)
    assert (live(plant).id, len(rows(plant, PromotionRow))) == (row.id, 1)
    (ear,) = plant._ears.ears.values()
    assert ear._judge.ledger.heard >= HEARD


def test_what_was_chosen_and_waits_when_the_station_ends_is_in_use_when_it_starts(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, source, ended = heard
    row, _ = learnt(plant, source, ended)
    waited_for(lambda: plant._learning._queue.empty())
    busy, goes_on = Event(), Event()

    def learn(_machine_id: str) -> None:
        busy.set()
        goes_on.wait(20)

    monkeypatch.setattr(plant._learning, "_learn", learn)
    plant._learning.due(live(plant).machine_id)
    busy.wait(20)
    plant.promote(row.id, "anna", "hears the leak")
    Timer(1.0, goes_on.set).start()
    plant.stop()
    again = started(plant.file, Given())
    try:
        assert again.board.machines()[0].release_id == row.id
        assert [each.who for each in rows(again, PromotionRow)] == ["anna"]
    finally:
        again.stop()


def test_a_verdict_that_comes_before_its_sound_is_stored_is_learnt_from_as_soon_as_it_is(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, source, ended = heard
    told(plant, source, ended)
    with monkeypatch.context() as early:
        early.setattr("rattle.station.plant.learning.is_not_stored_yet", lambda *_: True)
        say(plant, "anomaly")
        waited_for(lambda: "began a moment ago" in plant.board.machines()[0].learning)
        assert offered(plant) is None
    plant._learning.look_again()
    row: Any = waited_for(lambda: offered(plant))
    assert list(row.learnt.values()) == ["anomaly"]


def test_a_verdict_on_what_is_kept_for_the_test_says_that_nothing_is_learnt_from_it(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, source, ended = heard
    monkeypatch.setattr("rattle.station.learn.incidents.TEST_SHARE", 1)
    told(plant, source, ended)
    say(plant, "anomaly")
    waited_for(lambda: "kept for the test" in plant.board.machines()[0].learning)
    assert offered(plant) is None


def test_by_the_policy_of_the_gate_only_what_passed_is_chosen(
    heard: tuple[Plant, Given, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, source, ended = heard
    told(plant, source, ended)
    by_gate = plant.file.model_copy(update={"learn": Learn(policy="gate")})
    monkeypatch.setattr(plant._learning, "_file", by_gate)
    say(plant, "anomaly")
    waited_for(lambda: offered(plant))
    waited_for(lambda: plant.board.machines()[0].learning == "")
    assert not rows(plant, PromotionRow)  # so little sound shows nothing
    monkeypatch.setattr("rattle.station.learn.gate.MINUTES_NEEDED", 0)
    monkeypatch.setattr("rattle.station.learn.gate.FAULTS_NEEDED", 0)
    monkeypatch.setattr("rattle.station.learn.gate._rate", lambda source: (0.1, 0.2))
    monkeypatch.setattr(
        "rattle.station.learn.gate._levels",
        lambda source: {
            level: np.full(len(source.heard.minutes), 1e9) for level in ("alarm", "watch")
        },
    )
    say(plant, "normal")
    (promotion,) = waited_for(lambda: rows(plant, PromotionRow))
    assert promotion.who == "station"


def test_about_a_third_of_all_incidents_is_kept_for_the_test() -> None:
    share = np.mean([is_test(f"incident {number}") for number in range(3000)])
    assert 0.3 < share < 0.37
