"""The gate: what it refuses, what it calls not shown, and which alarms are lost and gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rattle.scoring.budget.ledger import Verdict
from rattle.station.learn.gate import Gate, Source, gate, hear
from rattle.station.learn.incidents import Stood, is_test
from rattle.station.learn.replay import Replayed

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 6
MINUTES = DAYS * 1440


def named(number: int, for_test: bool) -> str:
    """The number-th name of an incident that is kept for the test, or is not."""
    names = (f"incident {each}" for each in range(10_000))
    return [name for _, name in zip(range(100), names, strict=False) if is_test(name) is for_test][
        number
    ]


def incident(minute: int, verdict: Verdict | None, *, for_test: bool, number: int = 0) -> Stood:
    at = BEGIN + timedelta(minutes=minute)
    return Stood(
        id=named(number, for_test),
        source_id="s",
        release_id=None,
        level="alarm",
        opened=at,
        ended=at + timedelta(minutes=2),
        threshold=None,
        verdict=verdict,
        fault=None,
    )


def healthy(seed: int = 0, minutes: int = MINUTES) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).gumbel(size=minutes)


def compared(
    old: np.ndarray[tuple[int], np.dtype[np.float64]],
    new: np.ndarray[tuple[int], np.dtype[np.float64]],
    stood: Sequence[Stood],
) -> Gate:
    ends = BEGIN.timestamp() + 60 * (1 + np.arange(len(old)))
    heard = [hear([Source("s", Replayed(m, ends), stood, 1.0)]) for m in (old, new)]
    return gate(*heard, stood, len(old), 1.0)


def with_peaks(
    minutes: Sequence[int], peak: float, seed: int = 0
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = healthy(seed)
    for minute in minutes:
        values[minute : minute + 2] = peak
    return values


FAULTS = [
    incident(minute, "anomaly", for_test=True, number=number)
    for number, minute in enumerate((1000, 3000, 5000))
]
AT = [1000, 3000, 5000]


def test_a_head_that_finds_what_the_other_found_passes() -> None:
    found = compared(with_peaks(AT, 40), with_peaks(AT, 50), FAULTS)
    assert (found.state, found.reasons) == ("passed", ())
    assert [found.new.incidents[each.id].found for each in FAULTS] == ["alarm"] * 3
    assert found.new.expected == pytest.approx(0.7, abs=0.01)


def test_a_head_that_misses_a_fault_of_the_test_is_refused() -> None:
    found = compared(with_peaks(AT, 40), with_peaks(AT[:2], 40), FAULTS)
    assert found.state == "refused"
    assert f"{FAULTS[2].opened:%Y-%m-%d %H:%M} UTC" in found.reasons[0]


def test_a_fault_that_was_learnt_from_shows_nothing() -> None:
    learnt = [incident(each, "anomaly", for_test=False, number=n) for n, each in enumerate(AT)]
    found = compared(with_peaks(AT, 40), with_peaks(AT, 50), learnt)
    assert found.state == "not shown"
    assert found.auc is None


def test_a_head_that_tells_faults_apart_less_well_is_refused() -> None:
    new = with_peaks(AT, 40)
    # Found still, but only just: a tenth of all healthy minutes lie above them.
    rng = np.random.default_rng(1)
    new[rng.random(MINUTES) < 0.1] += 60
    for at in AT:
        new[at : at + 2] = 40
    found = compared(with_peaks(AT, 40), new, FAULTS)
    assert found.state == "refused"
    assert found.difference is not None
    assert found.difference[1] < 0


def test_less_than_a_day_is_not_shown() -> None:
    minutes = 1000
    stood = [
        incident(each, "anomaly", for_test=True, number=n) for n, each in enumerate((300, 700))
    ]
    old = healthy(minutes=minutes)
    old[[300, 301, 700, 701]] = 40
    found = compared(old, old.copy(), stood)
    assert found.state == "not shown"
    assert "16 h 40 min of sound are stored, of 24 h needed" in found.reasons


def test_sound_that_is_too_little_for_a_threshold_judges_no_head() -> None:
    few = compared(healthy(minutes=30), healthy(minutes=30), [])
    assert not few.old.is_judged
    assert "too little sound is stored to fit a threshold to" in few.reasons
    assert compared(healthy(), healthy(), []).old.is_judged


def test_alarms_that_go_and_come_are_listed() -> None:
    old, new = with_peaks([*AT, 2000], 40), with_peaks([*AT, 6000], 40)
    found = compared(old, new, FAULTS)
    assert [each.at for each in found.lost] == [BEGIN.timestamp() + 60 * 2001]
    assert [each.at for each in found.gained] == [BEGIN.timestamp() + 60 * 6001]


def test_a_rejected_alarm_that_would_come_again_is_an_alarm_of_the_replay() -> None:
    rejected = incident(2000, "normal", for_test=False)
    values = with_peaks([*AT, 2000], 40)
    found = compared(values, values, [*FAULTS, rejected])
    assert found.new.incidents[rejected.id].found == "alarm"
    assert len(found.new.alarms) == 1


def test_an_incident_of_no_verdict_is_neither_found_nor_false() -> None:
    unsure = incident(2000, "unsure", for_test=False)
    values = with_peaks([*AT, 2000], 40)
    assert not compared(values, values, [*FAULTS, unsure]).new.alarms


def test_no_threshold_is_fitted_to_what_may_be_a_fault() -> None:
    # Ten hours of one fault: learnt from, it would raise the threshold above the others.
    long = incident(6000, None, for_test=False)
    long = Stood(**{**vars(long), "ended": long.opened + timedelta(hours=10)})
    values = with_peaks(AT, 20)
    values[6000:6600] = 100
    found = compared(values, values, [*FAULTS, long])
    assert all(found.new.incidents[each.id].found for each in FAULTS)


def test_a_fault_that_would_be_missed_is_named_by_when_it_was_and_what_people_call_it() -> None:
    faults = [replace(each, fault="leak") for each in FAULTS[:2]] + FAULTS[2:]
    old, new = with_peaks(AT, 40), with_peaks(AT[1:2], 40)
    assert compared(old, new, faults).reasons[:2] == (
        "the test's fault of 2026-11-02 16:40 UTC (leak) was found and would be missed",
        "the test's fault of 2026-11-05 11:20 UTC was found and would be missed",
    )
