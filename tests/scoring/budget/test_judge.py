"""A machine's ledger: stages, incidents, reviews, refits; and the promise, in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from rattle.scoring.budget.judge import Judge, Judged
from rattle.scoring.budget.ledger import Incident, Ledger, Level
from rattle.scoring.budget.minutes import MINUTES_A_DAY
from rattle.scoring.budget.rule import AlarmRule, Values
from rattle.scoring.budget.stages import KEPT_MINUTES


def healthy(minutes: int, seed: int = 0) -> Values:
    return np.random.default_rng(seed).gumbel(size=minutes)


def taught(minutes: int = 3 * MINUTES_A_DAY, budget: float = 1.0) -> Ledger:
    ledger = Ledger(budget)
    for minute in healthy(minutes):
        ledger.minute(float(minute))
    return ledger


def alarms(ledger: Ledger) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in ledger.incidents if each.level == "alarm"]


def test_nothing_is_raised_before_two_hours_were_heard() -> None:
    judge = Judge(AlarmRule(1, 1), hop_s=1.0, budget_per_week=1.0)
    rng = np.random.default_rng(0)
    judged = [judge.hop(float(score)) for score in 100 * rng.normal(size=119 * 60)]
    assert {each.stage for each in judged} == {"learning"}
    assert not any(each.changes or each.level for each in judged)
    assert not judge.ledger.thresholds
    judge.hop(None)
    judged = [judge.hop(float(score)) for score in rng.normal(size=60)]
    assert judged[-1].stage == "provisional"
    assert set(judge.ledger.thresholds) == {"watch", "alarm"}


def test_an_alarm_begins_at_once_and_ends_after_ten_calm_minutes() -> None:
    judge = Judge(AlarmRule(3, 5), hop_s=1.0, budget_per_week=1.0)
    for score in np.random.default_rng(1).normal(size=150 * 60):
        judge.hop(float(score))
    loud = judge.ledger.thresholds["alarm"].value + 1
    judged: list[Judged] = [judge.hop(loud) for _ in range(3)]
    assert [each.level for each in judged] == [None, None, "alarm"]
    assert judged[-1].changes == (("watch", "raised"), ("alarm", "raised"))
    calm = [judge.hop(0.0) for _ in range(12 * 60)]
    ended = next(n for n, each in enumerate(calm) if ("alarm", "ended") in each.changes)
    assert 10 * 60 < ended <= 11 * 60
    assert calm[ended - 1].level == "alarm"
    assert calm[ended].level is None


def test_time_that_is_not_scored_does_not_end_an_alarm() -> None:
    judge = Judge(AlarmRule(3, 5), hop_s=1.0, budget_per_week=1.0)
    for score in np.random.default_rng(1).normal(size=150 * 60):
        judge.hop(float(score))
    for _ in range(3):
        judge.hop(judge.ledger.thresholds["alarm"].value + 1)
    assert all(judge.hop(None).level == "alarm" for _ in range(3600))


def test_incidents_live_are_those_of_the_minutes_afterwards() -> None:
    ledger = taught()
    value = ledger.thresholds["alarm"].value
    before = len(alarms(ledger))
    for minute in [value + 1, 0.0, *[value + 2] * 3, *[0.0] * 10, value + 1, *[0.0] * 10]:
        ledger.minute(minute)
    start = 3 * MINUTES_A_DAY
    assert alarms(ledger)[before:] == [(start, start + 4), (start + 15, start + 15)]


def test_watch_is_the_lower_level() -> None:
    thresholds = taught().thresholds
    assert thresholds["watch"].value < thresholds["alarm"].value
    assert thresholds["watch"].expected_per_week > thresholds["alarm"].expected_per_week


def test_a_long_loud_fault_does_not_raise_the_threshold_unless_it_was_normal() -> None:
    values = {}
    for verdict in (None, "anomaly", "unsure", "normal"):
        ledger = taught()
        before = ledger.thresholds["alarm"].value
        first = ledger.heard
        for _ in range(300):
            ledger.minute(before + 30)
        for minute in healthy(20, seed=1):
            ledger.minute(min(float(minute), before))
        if verdict is not None:
            ledger.review(first, verdict)  # type: ignore[arg-type]
        ledger.refit()
        values[verdict] = ledger.thresholds["alarm"].value - before
    assert values["anomaly"] < 1
    assert values[None] == values["unsure"] < 4
    assert values["normal"] > 5


@pytest.mark.parametrize("level", ["watch", "moment"])
def test_what_was_found_to_be_a_fault_below_the_alarm_stays_out_of_the_fit(level: str) -> None:
    values = {}
    for verdict in (None, "normal", "unsure", "anomaly"):
        ledger = taught()
        peak = (ledger.thresholds["watch"].value + ledger.thresholds["alarm"].value) / 2
        first = ledger.heard
        if level == "moment":
            peak = ledger.thresholds["watch"].value * 0.99
            moment = ledger.odd(peak)
            assert moment is not None
            assert ledger.odd(peak) is None, "a minute has one moment"
        for _ in range(8):
            ledger.minute(peak)
        ledger.review(first, verdict, level)  # type: ignore[arg-type]
        ledger.refit()
        values[verdict] = (int(ledger.left_out().sum()), ledger.thresholds["alarm"].value)
        assert ledger.experience("alarm").false_incidents == 0, "it was no alarm"
    assert values[None] == values["normal"]
    assert values["anomaly"] == values["unsure"]
    assert values[None][0] == 0 < values["anomaly"][0]
    assert values["anomaly"][1] < values[None][1]


def test_a_refit_does_not_silence_a_fault_nor_what_a_person_is_to_look_at() -> None:
    for asks, verdict, is_held in [
        (False, "anomaly", True),
        (False, None, False),
        (True, None, True),
        (True, "unsure", True),
        (True, "normal", False),
    ]:
        ledger = Ledger(1.0, taught().account(), asks=asks)
        peak = ledger.thresholds["alarm"].value + 0.01
        first = ledger.heard
        ledger.minute(peak)
        ledger.review(first, verdict)  # type: ignore[arg-type]
        # So many false ones would raise it.
        ledger.incidents += [Incident("alarm", 0, 0, 99.0, 99.0, "normal")] * 20
        ledger.refit()
        assert (ledger.thresholds["alarm"].value < peak) == is_held, (asks, verdict)
        assert ledger.thresholds["watch"].value <= ledger.thresholds["alarm"].value


def test_what_is_kept_is_bounded_and_the_newest() -> None:
    ledger = Ledger(1.0)
    minutes = healthy(2 * KEPT_MINUTES + 5000)
    ledger.incidents.clear()
    for minute in minutes:
        ledger._append(float(minute))
    assert ledger.heard == len(minutes)
    assert np.array_equal(ledger.minutes, minutes[-KEPT_MINUTES:])


def test_incidents_of_minutes_that_are_not_kept_are_forgotten() -> None:
    ledger = taught()
    ledger.minute(ledger.thresholds["alarm"].value + 5)
    first = alarms(ledger)[-1][0]
    for _ in range(KEPT_MINUTES + 20):
        ledger._append(0.0)
    assert all(each.last > first for each in ledger.incidents)


def test_an_account_goes_on_where_it_was_left() -> None:
    minutes = healthy(4 * MINUTES_A_DAY, seed=3)
    whole, first = Ledger(1.0), Ledger(1.0)
    for minute in minutes:
        whole.minute(float(minute))
    for minute in minutes[:3000]:
        first.minute(float(minute))
    second = Ledger(1.0, first.account())
    for minute in minutes[3000:]:
        second.minute(float(minute))
    assert second.thresholds == whole.thresholds
    assert second.incidents == whole.incidents
    assert np.array_equal(second.minutes, whole.minutes)


def test_minutes_that_are_all_alike_raise_nothing() -> None:
    ledger = Ledger(1.0)
    for _ in range(300):
        ledger.minute(0.5)
    assert not ledger.thresholds
    assert not ledger.incidents
    # It is tried again each hour, not each minute.
    assert ledger.fitted == 300
    ledger.minute(0.5)
    assert ledger.fitted == 300


def wandering_machine(seed: int, days: int) -> Values:
    """M of a machine that wanders for 20 minutes at a time, each day at a level of its own."""
    rng = np.random.default_rng([42, seed])
    keep = np.exp(-1 / 20)
    kicks = rng.normal(size=days * MINUTES_A_DAY) * np.sqrt(1 - keep**2)
    path = lfilter([1.0], [1.0, -keep], kicks)
    return np.asarray(
        path + 0.5 * rng.gumbel(size=len(path)) + np.repeat(0.5 * rng.normal(size=days), 1440)
    )


@pytest.mark.parametrize("reviewed", [False, True])
def test_healthy_machines_keep_to_the_budget(reviewed: bool) -> None:
    """A small part of benchmarks/budget.py: six machines, four weeks from the first minute."""
    rates: dict[Level, list[float]] = {"alarm": [], "watch": []}
    for seed in range(6):
        ledger = Ledger(1.0)
        began: set[tuple[Level, int]] = set()
        for number, minute in enumerate(wandering_machine(seed, 28)):
            ledger.minute(float(minute))
            if number % 360 == 0:
                began |= {(each.level, each.first) for each in ledger.incidents}
                for each in ledger.incidents if reviewed else ():
                    ledger.review(each.first, "normal")
        for level, of in rates.items():
            of.append(sum(each == level for each, _ in began) / 4)
    assert 0.3 <= np.mean(rates["alarm"]) <= 1.3
    assert 2 <= np.mean(rates["watch"]) <= 9.1
