"""However sound comes, and wherever the station is started again, what is heard is the same."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest
from hearing_kit import RATE_HZ, Kit, account_of, noise
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rattle.station.records import IncidentChanged, MinuteHeard, StretchChanged, ThresholdFitted

# Stretches of sixty windows, of which two are odd; sixty windows are a minute to the judge, so that
# a stretch ends with its minute. Silence follows, in which more windows are not scored than the
# rule looks back; then the line is lost, and no window spans that.
STRETCHES, STRETCH_S, SILENCE_S = 14, 60.8, 7
ODD = (1, 2)
LEARNT = 0.0903


def stretch_of(number: int) -> NDArray[np.float32]:
    sound = noise(STRETCH_S, 0.001 if number in ODD else 0.1, seed=number)
    return np.concatenate([sound, np.zeros((SILENCE_S * RATE_HZ, 1), np.float32)])


def heard(lengths: list[int], restarts: set[int]) -> Kit:
    kit = Kit(account=account_of(LEARNT), hop_s=1.0)
    for number in range(STRETCHES):
        if number in restarts:
            kit = restarted(kit)
        kit.hear(stretch_of(number), lengths=lengths)
        kit.ear.lost("line", kit.at)
    kit.ear.stop()
    return kit


def restarted(kit: Kit) -> Kit:
    """The station killed and started again: it knows what was told, and no more."""
    kit.ear.stop()
    told = kit.told
    incidents = {each.id: each for each in kit.of(IncidentChanged)}
    is_open = [each for each in incidents.values() if each.state == "open"]
    again = Kit(
        account=kit.judges["mic"].ledger.account(),
        hop_s=1.0,
        open_incident=is_open[0] if is_open else None,
        threshold_ids={each.level: each.id for each in kit.of(ThresholdFitted)},
    )
    again.incidents.settle(kit.at)
    again.told[:0] = told
    again.at = kit.at
    return again


def summary(kit: Kit) -> list[object]:
    incidents = {each.id: each for each in kit.of(IncidentChanged)}.values()
    stretches = {
        (each.level, each.first): (each.level, each.first, each.last, round(each.peak, 3))
        for each in kit.of(StretchChanged)
    }
    minutes: dict[object, int] = {}
    for minute in kit.of(MinuteHeard):
        minutes[minute.at] = minutes.get(minute.at, 0) + len(minute.scores)
    return [
        *[(each.opened, each.ended, each.level, each.state) for each in incidents],
        *stretches.values(),
        *minutes.items(),
    ]


@pytest.fixture(scope="module")
def whole() -> list[object]:
    """What is heard in one go, in blocks of a quarter of a second: an incident that ended."""
    kit = heard([4000], set())
    assert [each.state for each in kit.of(IncidentChanged)].count("ended") == 1
    assert {each.level for each in kit.of(StretchChanged)} == {"watch", "alarm"}
    return summary(kit)


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(st.integers(1500, 90_000), min_size=1, max_size=5),
    st.sets(st.integers(1, STRETCHES - 1), max_size=3),
)
def test_incidents_and_minutes_do_not_depend_on_cuts_and_restarts(
    whole: list[object], lengths: list[int], restarts: set[int]
) -> None:
    assert summary(heard(lengths, restarts)) == whole


def test_reviews_and_tags_from_other_threads_meet_no_half_a_window() -> None:
    kit = Kit(account=account_of(LEARNT))

    def review() -> None:
        for _ in range(20):
            kit.ear.review("alarm", 3000, "normal", kit.at)
            kit.ear.review("alarm", 3000, None, kit.at)

    reviewing = [Thread(target=review) for _ in range(2)]
    for thread in reviewing:
        thread.start()
    kit.hear(np.concatenate([noise(30), noise(20, 0.001), noise(30)]))
    for thread in reviewing:
        thread.join()
    kit.ear.stop()
    assert sum(len(minute.scores) for minute in kit.of(MinuteHeard)) == 79
    assert len({each.id for each in kit.of(IncidentChanged)}) == 1
