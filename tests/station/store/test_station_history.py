"""What the station recalls is what it knew."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from made_up_heard import MINUTE, NOW, PLANT, Heard, bundles
from rattle.scoring.budget import ledger as ledger_module
from rattle.scoring.budget.ledger import (
    LEVELS,
    Account,
    Incident,
    IncidentLevel,
    Ledger,
    Verdict,
)
from rattle.station.config.model import Plant
from rattle.station.records import IncidentChanged
from rattle.station.store import history
from rattle.station.store.database import Database
from rattle.station.store.history import (
    account_of,
    interrupt,
    moments_of,
    open_incidents,
    reviewed_stretches,
    threshold_ids_of,
)
from rattle.station.store.leases import join
from rattle.station.store.register import register
from rattle.station.store.tables import Base, IncidentRow, MinuteRow, SourceRow
from rattle.station.store.writing import write_all


class Told:
    """Drives a ledger, and writes what an ear tells of it."""

    def __init__(self, database: Database, heard: Heard) -> None:
        self.ledger = Ledger(1.0, asks=True)
        self._database, self._heard = database, heard
        self._records: list[object] = []
        self._incidents: dict[tuple[IncidentLevel, int], IncidentChanged] = {}
        self._open: list[IncidentChanged] = []
        self._fitted = 0

    def minute(self, highest: float) -> None:
        ledger = self.ledger
        for level in LEVELS:
            ledger.passed(level, highest)
        ended = ledger.minute(highest)
        number = ledger.heard - 1
        self._records.append(
            self._heard.minute(number, minutes=(highest,), heard=ledger.heard, highest=highest)
        )
        for incident in ledger.incidents:
            if incident.last == number:
                self._stretch(incident)
        if ended and not any(map(ledger.is_open, LEVELS)):
            self._records += [replace(each, state="ended", ended=NOW) for each in self._open]
            self._open = []
        if ledger.fitted != self._fitted:
            self._fitted = ledger.fitted
            for level, threshold in ledger.thresholds.items():
                self._records.append(
                    self._heard.threshold(
                        level=level,
                        value=threshold.value,
                        expected=threshold.expected_per_week,
                        upper=threshold.upper_per_week,
                        margin=threshold.margin,
                        peaks=threshold.peaks,
                        weeks=threshold.weeks,
                        minutes=ledger.fitted,
                        active_from=NOW + ledger.heard * MINUTE,
                    )
                )

    def odd(self, peak: float) -> None:
        """Offer a moment of the minute that goes on, as a judge does."""
        if not any(map(self.ledger.is_open, LEVELS)) and (moment := self.ledger.odd(peak)):
            told = self._heard.incident(level="moment", state="ended", ended=NOW)
            self._incidents["moment", moment.first] = told
            self._records.append(told)
            self._stretch(moment)

    def review(self, verdict: Verdict | None) -> None:
        """Say of the last alarm and the last moment what they were, as the station does."""
        for level in ("alarm", "moment"):
            self._review(level, verdict)

    def _review(self, level: str, verdict: Verdict | None) -> None:
        of_level = [each for each in self.ledger.incidents if each.level == level]
        if of_level:
            self.write()
            of = self._incidents[of_level[-1].level, of_level[-1].first].id
            with self._database.writing() as session:
                session.get_one(IncidentRow, of).verdict = verdict
                reviewed = reviewed_stretches(session, [of])
            for each in reviewed:
                self.ledger.review(each.first, each.verdict, each.level)

    def write(self) -> None:
        with self._database.writing() as session:
            write_all(session, self._records)  # type: ignore[arg-type]
        self._records = []

    def _stretch(self, incident: Incident) -> None:
        key = incident.level, incident.first
        if key not in self._incidents and incident.level == "watch":
            self._incidents[key] = self._heard.incident()
            self._open.append(self._incidents[key])
            self._records.append(self._incidents[key])
        if key not in self._incidents:
            # One incident of the station holds both levels.
            self._incidents[key] = [*self._incidents.values()][-1]
        self._records.append(
            self._heard.stretch(
                self._incidents[key],
                level=incident.level,
                first=incident.first,
                last=incident.last,
                peak=incident.peak,
                threshold=incident.threshold,
            )
        )

    def recalled(self) -> Account:
        self.write()
        with self._database.reading() as session:
            return account_of(session, self._heard.source_id, self._heard.release_id)


def same(one: Account, other: Account) -> None:
    np.testing.assert_array_equal(one.minutes, other.minutes)
    assert replace(one, minutes=np.empty(0)).__dict__.keys() == other.__dict__.keys()
    for name in ("heard", "incidents", "calm", "thresholds", "fitted"):
        assert getattr(one, name) == getattr(other, name), name


def empty(database: Database) -> None:
    with database.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in ("stretch", "incident", "minute", "threshold"):
                session.execute(delete(table))


def test_of_a_source_that_was_never_heard_nothing_is_known(
    database: Database, heard: Heard
) -> None:
    with database.reading() as session:
        same(account_of(session, heard.source_id, heard.release_id), Account())


@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=4),
    verdicts=st.lists(st.sampled_from([*get_args(Verdict), None]), min_size=4, max_size=4),
)
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_an_account_is_recalled_exactly_after_any_minutes_and_reviews(
    database: Database,
    heard: Heard,
    seed: int,
    lengths: list[int],
    verdicts: list[Verdict | None],
) -> None:
    empty(database)
    told = Told(database, heard)
    rng = np.random.default_rng(seed)
    for length, verdict in zip(lengths, verdicts, strict=False):
        for _ in range(length):
            loud = 40.0 if rng.random() < 0.02 else 1.0
            if rng.random() < 0.02:
                told.odd(float(rng.gumbel()))
            told.minute(float(rng.gumbel() * loud))
        same(told.recalled(), told.ledger.account())
        told.review(verdict)
        same(told.recalled(), told.ledger.account())
    assert told.ledger.heard == sum(lengths)


def test_what_a_restarted_ledger_does_is_what_the_old_one_would_have_done(
    database: Database, heard: Heard
) -> None:
    told = Told(database, heard)
    rng = np.random.default_rng(0)
    for _ in range(150):
        told.minute(float(rng.gumbel()))
    for _ in range(3):
        told.minute(200.0 + float(rng.gumbel()))
    restarted = Ledger(1.0, told.recalled(), asks=True)
    assert restarted.is_open("alarm")
    for _ in range(300):
        highest = float(rng.gumbel())
        told.minute(highest)
        for level in LEVELS:
            restarted.passed(level, highest)
        restarted.minute(highest)
    same(restarted.account(), told.ledger.account())
    assert restarted.fitted > 150


def test_minutes_and_incidents_that_the_ledger_has_forgotten_are_not_recalled(
    database: Database, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (history, ledger_module):
        monkeypatch.setattr(module, "KEPT_MINUTES", 200)
    told = Told(database, heard)
    rng = np.random.default_rng(3)
    forgotten: set[tuple[IncidentLevel, int]] = set()
    for place in range(900):
        # Pairs and single ones, so that some old incident outlives the first of all.
        is_loud = place > 150 and place % 37 in (0, 1, 5)
        told.minute(float(rng.gumbel()) + (200.0 if is_loud else 0.0))
        forgotten |= {(each.level, each.first) for each in told.ledger.incidents}
        if place % 50 == 49:
            same(told.recalled(), told.ledger.account())
    assert len(told.ledger.minutes) == 200
    assert len(forgotten) > len(told.ledger.incidents) > 0


def test_an_incident_is_forgotten_when_the_ledger_looks_and_not_before(
    database: Database, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (history, ledger_module):
        monkeypatch.setattr(module, "KEPT_MINUTES", 200)
    told = Told(database, heard)
    rng = np.random.default_rng(0)
    for place in range(480):
        highest = float(rng.gumbel())
        if place >= 250 and place % 5 == 0 and place <= 300:
            levels = told.ledger.thresholds
            highest = (levels["watch"].value + levels["alarm"].value) / 2
        if place in (150, 255):
            highest = 500.0
        told.minute(highest)
    first, second = told.ledger.incidents
    # The alarm is older than what is kept, and within a watch that is not.
    assert (first.level, second.level) == ("watch", "alarm")
    assert second.last < told.ledger.first_kept <= first.last
    same(told.recalled(), told.ledger.account())


def test_what_is_of_an_incident_that_has_ended_goes_on_no_more(
    database: Database, heard: Heard
) -> None:
    incident = heard.incident()
    minutes = [heard.minute(number, minutes=(1.0,), heard=number + 1) for number in range(5)]
    stretch = heard.stretch(incident, level="watch", first=3, last=4)
    ended = replace(incident, state="ended", ended=NOW + 5 * MINUTE)
    for records, expected in (([*minutes, incident, stretch], {"watch": 0}), ([ended], {})):
        with database.writing() as session:
            write_all(session, records)
        with database.reading() as session:
            account = account_of(session, heard.source_id, heard.release_id)
        assert account.calm == expected
        assert len(account.incidents) == 1


def test_each_release_has_an_account_of_its_own(database: Database, heard: Heard) -> None:
    other = list(heard.registered.releases.values())[1]
    with database.writing() as session:
        write_all(session, [heard.minute(place) for place in range(3)])
        later = [heard.minute(9, release_id=other, heard=1, minutes=(7.0,))]
        write_all(session, later)
    with database.reading() as session:
        assert account_of(session, heard.source_id, heard.release_id).minutes.tolist() == [1, 2, 3]
        assert account_of(session, heard.source_id, other).minutes.tolist() == [7]


def test_minutes_before_some_that_were_lost_have_no_place(database: Database, heard: Heard) -> None:
    with database.writing() as session:
        write_all(session, [heard.minute(place) for place in (0, 1, 2, 5, 6)])
    with database.reading() as session:
        account = account_of(session, heard.source_id, heard.release_id)
    assert (account.minutes.tolist(), account.heard) == ([6, 7], 7)


def test_the_newest_threshold_of_each_level_is_the_one_in_use(
    database: Database, heard: Heard
) -> None:
    old = heard.threshold(value=3.0, minutes=120)
    alarm = heard.threshold(value=2.0, minutes=180, active_from=NOW + MINUTE)
    watch = heard.threshold(level="watch", value=1.0, minutes=180, active_from=NOW + MINUTE)
    with database.writing() as session:
        write_all(session, [alarm, watch, old])
    with database.reading() as session:
        ids = threshold_ids_of(session, heard.source_id, heard.release_id)
        account = account_of(session, heard.source_id, heard.release_id)
    assert ids == {"watch": watch.id, "alarm": alarm.id}
    assert account.thresholds["alarm"].value == 2.0
    assert account.fitted == 180


def test_the_moments_of_a_source_and_release_are_recalled(database: Database, heard: Heard) -> None:
    def moment(place: int, **changes: object) -> IncidentChanged:
        at = NOW + place * MINUTE
        told = {"level": "moment", "state": "ended", "ended": at, "opened": at, "peak": 1.0 + place}
        return heard.incident(**told | changes)

    other = list(heard.registered.releases.values())[1]
    with database.writing() as session:
        write_all(
            session,
            [
                moment(20),
                moment(10),
                moment(-1),
                moment(30, level="watch"),
                moment(40, release_id=other),
                moment(50, source_id=heard.other_source_id),
            ],
        )
    with database.reading() as session:
        found = moments_of(session, heard.source_id, heard.release_id, NOW)
    assert found == [(NOW + 10 * MINUTE, 11.0), (NOW + 20 * MINUTE, 21.0)]


def test_what_reviewed_incidents_hold_of_ledgers_is_told_with_their_verdicts(
    database: Database, heard: Heard
) -> None:
    one, other = (heard.incident(state="ended", ended=NOW) for _ in range(2))
    with database.writing() as session:
        write_all(session, [one, other])
        for first, level in ((3, "watch"), (4, "alarm"), (40, "alarm")):
            write_all(session, [heard.stretch(one, level=level, first=first, last=first)])
        write_all(session, [heard.stretch(other, level="alarm", first=90, last=91)])
        session.get_one(IncidentRow, one.id).verdict = "normal"
        told = reviewed_stretches(session, [one.id, other.id])
    assert [(each.level, each.first, each.verdict) for each in told] == [
        ("watch", 3, "normal"),
        ("alarm", 4, "normal"),
        ("alarm", 40, "normal"),
        ("alarm", 90, None),
    ]
    assert {each.source_id for each in told} == {heard.source_id}


def test_minutes_without_scored_sound_lie_between(database: Database, heard: Heard) -> None:
    off = {"minutes": (), "highest": None, "operating": "off"}
    with database.writing() as session:
        write_all(
            session,
            [
                heard.minute(0, heard=0, **off),
                heard.minute(1, heard=1),
                heard.minute(2, heard=1, **off),
                heard.minute(3, heard=3, minutes=(3.0, 4.0)),
                heard.minute(4, heard=3, **off),
            ],
        )
    with database.reading() as session:
        account = account_of(session, heard.source_id, heard.release_id)
    assert (account.minutes.tolist(), account.heard) == ([2, 3, 4], 3)


def test_an_incident_goes_on_over_a_short_gap_and_ends_interrupted_after_a_long_one(
    database: Database, heard: Heard
) -> None:
    going_on = heard.incident()
    left = heard.incident(
        source_id=heard.other_source_id,
        machine_id=heard.other_machine_id,
        subject=heard.other_machine_id,
        opened=NOW - 20 * MINUTE,
    )
    unheard = heard.incident(kind="source", subject=heard.other_source_id, opened=NOW - 10 * MINUTE)
    unheard = replace(unheard, source_id=heard.other_source_id)
    with database.writing() as session:
        write_all(session, [going_on, left, unheard, heard.minute(0), heard.minute(1)])
        write_all(session, [heard.minute(-12, source_id=heard.other_source_id)])
        of_fan = open_incidents(session, [heard.machine_id])
        assert [row.id for row in of_fan] == [unheard.id, going_on.id]
        of_pump = open_incidents(session, [heard.other_machine_id])
        assert [row.id for row in of_pump] == [left.id]
    with database.writing() as session:
        row = session.get_one(SourceRow, heard.other_source_id)
        row.node, row.node_until = "elsewhere", NOW + 20 * MINUTE
        # Those of another station's sources are its own.
        assert interrupt(session, NOW + 11 * MINUTE, [heard.source_id]) == []
        both = [heard.source_id, heard.other_source_id]
        ended = interrupt(session, NOW + 11 * MINUTE, both)
        assert ended == [left.id, unheard.id]
        assert interrupt(session, NOW + 11 * MINUTE, both) == []
    with database.reading() as session:
        assert session.get_one(IncidentRow, going_on.id).state == "open"
        row = session.get_one(IncidentRow, left.id)
        assert (row.state, row.ended) == ("interrupted", NOW - 11 * MINUTE)
        # Its last minute is before it began.
        assert session.get_one(IncidentRow, unheard.id).ended == NOW - 10 * MINUTE
        assert len(session.scalars(select(MinuteRow)).all()) == 3


@pytest.mark.parametrize(
    "changes", [{"name": "fan 2"}, {"sources": [{"name": "x", "url": "a://b"}]}]
)
def test_the_incident_of_what_left_the_file_ends(
    database: Database, heard: Heard, changes: dict[str, object]
) -> None:
    of_source = heard.incident(kind="source", subject=heard.source_id)
    fan, pump = PLANT.model_dump(exclude_unset=True)["machine"]
    plant = Plant.model_validate({"plant": "hall", "machine": [fan | changes, pump]})
    with database.writing() as session:
        write_all(session, [heard.incident(), of_source, heard.minute(0)])
        ids = register(session, plant, bundles(plant), NOW)
        join(session, "one", "one", "", [*ids.sources.values()], NOW, NOW + MINUTE)
        ended = interrupt(session, NOW + 2 * MINUTE, [*ids.sources.values()])
        assert len(ended) == 2
        assert open_incidents(session, ids.machines.values()) == []


def test_the_threshold_that_was_fitted_last_stands_after_a_clock_was_set_back(
    database: Database, heard: Heard
) -> None:
    before = heard.threshold(value=3.0, minutes=120, active_from=NOW + 60 * MINUTE)
    after = heard.threshold(value=2.0, minutes=180, active_from=NOW)
    with database.writing() as session:
        write_all(session, [before, after])
        account = account_of(session, heard.source_id, heard.release_id)
    assert (account.thresholds["alarm"].value, account.fitted) == (2.0, 180)
