"""What a source's scores come to: thresholds with their reasons, stretches, the incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import pytest

from made_up_scorer import MadeUpScorer
from rattle import Recipe
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.station.board import Board, MachineNow
from rattle.station.config.model import Machine
from rattle.station.events import Hub
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.making import judge_of_source
from rattle.station.judge.moments import AFTER_MINUTES
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.records import IncidentChanged, Record, StretchChanged, ThresholdFitted

BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
Z = np.zeros(2, np.float32)
R = TypeVar("R", bound=Record)


class Heard:
    """A source judged from scores alone: ten seconds a window, so that six are a minute."""

    HOP_S = 10.0

    def __init__(self, account: Account | None = None, ids: Any = None, restored: Any = None):
        self.told: list[Record] = []
        self.board, self.at = Board(), BEGAN
        self.board.add(MachineNow("fan", "fan", 1.0, "always", "r1"))
        self.incidents = MachineIncidents(
            "fan", tell=self.told.append, board=self.board, hub=Hub(), restored=restored
        )
        self.judge = SourceJudge(
            "mic",
            "r1",
            Judge(
                AlarmRule(1, 1),
                hop_s=self.HOP_S,
                budget_per_week=1.0,
                account=account,
                asks=True,
            ),
            self.incidents,
            tell=self.told.append,
            threshold_ids=ids,
        )

    def minutes(self, values: Any) -> None:
        for value in values:
            for _ in range(6):
                self.at += timedelta(seconds=self.HOP_S)
                self.judge.window(None if value is None else float(value), self.at, Z)

    def of(self, kind: type[R]) -> list[R]:
        return [each for each in self.told if isinstance(each, kind)]


def healthy(minutes: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).gumbel(0.2, 0.01, minutes)


def test_the_first_threshold_is_told_after_two_hours_with_its_reason() -> None:
    heard = Heard()
    heard.minutes(healthy(119))
    assert heard.told == []
    heard.minutes(healthy(1, 1))
    watch, alarm = heard.of(ThresholdFitted)
    assert (watch.level, alarm.level) == ("watch", "alarm")
    assert watch.value < alarm.value
    assert alarm.reason == "first threshold, 2 h of running heard"
    assert alarm.minutes == 120
    assert alarm.expected == pytest.approx(0.7, rel=0.05)


def test_later_ones_say_how_much_more_was_heard() -> None:
    heard = Heard()
    heard.minutes(healthy(500))
    reasons = [each.reason for each in heard.of(ThresholdFitted) if each.level == "alarm"]
    assert reasons[:3] == [
        "first threshold, 2 h of running heard",
        "fitted anew: an hour more was heard",
        "fitted anew: an hour more was heard",
    ]
    assert reasons[-1] == "fitted anew: a quarter more was heard"


def test_a_run_above_is_a_stretch_a_level_and_one_incident() -> None:
    heard = Heard()
    heard.minutes(healthy(200))
    heard.minutes([2.0, 2.0, *healthy(20, 1)])
    incidents = heard.of(IncidentChanged)
    assert [each.state for each in incidents] == ["open", "ended"]
    thresholds = {each.id: each for each in heard.of(ThresholdFitted)}
    assert incidents[0].threshold_id is not None
    assert thresholds[incidents[0].threshold_id].level == "alarm"
    last = {each.level: each for each in heard.of(StretchChanged)}
    for level in ("watch", "alarm"):
        stretch = last[level]  # type: ignore[index]
        assert (stretch.first, stretch.last, stretch.peak) == (200, 201, 2.0)
        assert stretch.incident_id == incidents[0].id
    assert incidents[1].ended is not None
    assert incidents[1].ended - incidents[1].opened == timedelta(minutes=12) - timedelta(seconds=10)


def test_time_that_is_not_scored_does_not_end_an_incident() -> None:
    heard = Heard()
    heard.minutes([*healthy(200), 2.0, *[None] * 60])
    assert [each.state for each in heard.of(IncidentChanged)] == ["open"]
    heard.minutes(healthy(10, 1))
    assert [each.state for each in heard.of(IncidentChanged)] == ["open", "ended"]


def test_a_review_fits_anew_and_says_so() -> None:
    heard = Heard()
    heard.minutes([*healthy(200), 0.5, *healthy(20, 1)])
    [alarm] = {s.first: s for s in heard.of(StretchChanged) if s.level == "alarm"}.values()
    before = heard.of(ThresholdFitted)[-1]
    heard.judge.review("alarm", alarm.first, "normal", heard.at)
    after = heard.of(ThresholdFitted)[-1]
    assert after.reason == "reviewed"
    assert after.level == "alarm"
    assert after.value > before.value


def test_no_fit_rises_above_an_alarm_that_waits_for_its_review() -> None:
    heard = Heard()
    heard.minutes([*healthy(200), 0.5, *healthy(800, 1)])
    assert [s.first for s in heard.of(StretchChanged) if s.level == "alarm"] == [200]
    alarms = [each for each in heard.of(ThresholdFitted) if each.level == "alarm"]
    after = [each.value for each in alarms if each.minutes > 201]
    assert len(after) > 3
    assert max(after) < 0.5


def recalled(heard: Heard) -> Heard:
    """The station started again: what it stored is all that is known."""
    incidents = {each.id: each for each in heard.of(IncidentChanged)}
    is_open = [each for each in incidents.values() if each.state == "open"]
    ids = {each.level: each.id for each in heard.of(ThresholdFitted)}
    again = Heard(heard.judge.ledger.account(), ids, is_open[0] if is_open else None)
    again.at = heard.at
    again.told = heard.told
    again.judge._tell = again.incidents._tell = again.told.append  # type: ignore[assignment]
    return again


@pytest.mark.parametrize("after", [60, 120, 199, 201, 205, 211, 240])
def test_wherever_it_is_started_again_between_minutes_the_incidents_are_the_same(
    after: int,
) -> None:
    values = [*healthy(200), 1.0, 1.5, *healthy(30, 1), 2.0, *healthy(40, 2)]
    whole = Heard()
    whole.minutes(values)
    parts = Heard()
    parts.minutes(values[:after])
    parts = recalled(parts)
    parts.minutes(values[after:])
    assert parts.judge.ledger.account().minutes.tolist() == values[-len(values) :]

    def last(heard: Heard) -> list[tuple[object, ...]]:
        final = {each.id: each for each in heard.of(IncidentChanged)}
        stretches = {
            (each.level, each.first): (each.level, each.first, each.last, each.peak)
            for each in heard.of(StretchChanged)
        }
        return [
            *[(i.opened, i.ended, i.state, i.level, i.peak, i.peak_at) for i in final.values()],
            *stretches.values(),
            *[(t.level, t.value, t.reason) for t in heard.of(ThresholdFitted)],
        ]

    assert last(parts) == last(whole)


def test_a_stretch_whose_incident_was_lost_opens_one_with_its_next_window() -> None:
    heard = Heard()
    heard.minutes([*healthy(200), 1.0])
    ids = {each.level: each.id for each in heard.of(ThresholdFitted)}
    again = Heard(heard.judge.ledger.account(), ids)
    again.minutes([1.0])
    assert [each.state for each in again.of(IncidentChanged)] == ["open"]
    assert {each.first for each in again.of(StretchChanged)} == {200}


def machine(sources: int, alarm: str = "3/5") -> Machine:
    return Machine.model_validate(
        {
            "name": "press",
            "bundle": "press.rattle",
            "alarm": alarm,
            "sources": [{"name": f"mic {n}", "url": "rtsp://camera"} for n in range(sources)],
        }
    )


def test_the_sources_of_a_machine_share_its_budget() -> None:
    scorer: Any = MadeUpScorer(Recipe.load("small"))
    judges = [judge_of_source(scorer, machine(count)) for count in (1, 4)]
    assert [judge.ledger.budget_per_week for judge in judges] == [1.0, 0.25]


def test_thresholds_of_another_budget_are_fitted_anew() -> None:
    scorer: Any = MadeUpScorer(Recipe.load("small"))
    heard = Heard()
    heard.minutes(healthy(200))
    account = heard.judge.ledger.account()
    same = judge_of_source(scorer, machine(4), account)
    other = judge_of_source(scorer, machine(4), account, is_same=False)
    assert same.ledger.thresholds["alarm"] == account.thresholds["alarm"]
    assert other.ledger.thresholds["alarm"].value > account.thresholds["alarm"].value


def test_a_moment_is_told_ended_and_its_verdict_reaches_the_budget() -> None:
    heard = Heard()
    heard.minutes(np.random.default_rng(2).gumbel(size=100))
    for _ in range(AFTER_MINUTES):
        assert heard.judge.odd(0.0, heard.at, Z) is None
    told_before = len(heard.told)
    moment_id = heard.judge.odd(99.0, heard.at, Z)
    [incident, stretch] = heard.told[told_before:]
    assert isinstance(incident, IncidentChanged)
    assert isinstance(stretch, StretchChanged)
    assert (incident.id, incident.level, incident.state) == (moment_id, "moment", "ended")
    assert (stretch.incident_id, stretch.level) == (moment_id, "moment")
    assert heard.judge.odd(98.0, heard.at, Z) is None, "it is of the same moment"
    heard.minutes([0.0] * 3)
    for verdict, left_out in (("anomaly", True), (None, False), ("normal", False)):
        heard.judge.review("moment", stretch.first, verdict, heard.at)  # type: ignore[arg-type]
        assert heard.judge.ledger.left_out().any() == left_out
    assert heard.board.machines()[0].incident_id is None


def test_what_is_of_an_incident_is_no_moment() -> None:
    heard = Heard()
    heard.minutes(np.random.default_rng(2).gumbel(size=200))
    heard.minutes([500.0])
    assert heard.judge.ledger.is_open("alarm")
    for _ in range(AFTER_MINUTES + 1):
        assert heard.judge.odd(500.0, heard.at, Z) is None
    told = [each for each in heard.told if isinstance(each, IncidentChanged)]
    assert "moment" not in {each.level for each in told}
