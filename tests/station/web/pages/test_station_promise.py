"""A threshold's promise stands beside what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rattle.station.board import SourceNow
from rattle.station.store.reading.plant import FalseIncidents
from rattle.station.store.reading.views import ThresholdView
from rattle.station.web.pages.promise import promise

NOW = datetime(2026, 3, 20, tzinfo=UTC)
NONE = FalseIncidents()


def source(**said: Any) -> SourceNow:
    return SourceNow("S", "mic", "M", "device", "USB", **said)


def threshold(
    level: Any, value: float, expected: float = 0.31, upper: float = 1.9
) -> ThresholdView:
    return ThresholdView(
        "T", "S", "R", level, value, expected, upper, 0.25, 9, 1.0, 999, "why", NOW
    )


def test_expected_stands_beside_what_came_and_the_budget() -> None:
    newest = {"alarm": threshold("alarm", 1.3), "watch": threshold("watch", 0.98)}
    view = promise(
        source(stage="settled", minutes=20_160),
        newest,
        [newest],
        {"alarm": FalseIncidents(1, 3), "watch": FalseIncidents(2, 9)},
        1.0,
    )
    assert view.sentence == "3 alarms in 28 days that nobody confirmed, budget 4"
    assert view.heard == "14 days"
    alarm, watch = view.levels
    assert (alarm.level, alarm.threshold, alarm.expected, alarm.upper, alarm.margin) == (
        "alarm",
        "1.30",
        "0.31",
        "1.9",
        "0.25",
    )
    assert (alarm.week, alarm.four_weeks, alarm.budget, alarm.four_weeks_budget) == (1, 3, "1", "4")
    assert (watch.level, watch.week, watch.budget, watch.four_weeks_budget) == (
        "watch",
        2,
        "7",
        "28",
    )


def test_what_is_expected_is_that_of_all_sources_as_the_budget_is() -> None:
    first = {"alarm": threshold("alarm", 1.3, 0.35, 0.9)}
    second = {"alarm": threshold("alarm", 2.1, 0.4, 1.0)}
    none: dict[Any, ThresholdView] = {}
    had = {"alarm": NONE, "watch": NONE}
    (alarm,) = promise(source(stage="settled"), first, [first, second], had, 1.0).levels
    assert (alarm.threshold, alarm.expected, alarm.upper) == ("1.30", "0.75", "1.9")
    # Of a source that has no threshold yet nobody knows what to expect.
    (alarm,) = promise(source(stage="settled"), first, [first, none], had, 1.0).levels
    assert (alarm.threshold, alarm.expected, alarm.upper) == ("1.30", "–", "–")


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"stage": "learning", "minutes": 119}, "until 1 minute more of running sound"),
        ({"stage": "provisional", "minutes": 1440}, "until 6 days more were heard"),
        ({"stage": "settled", "minutes": 10_080}, "A week or more"),
    ],
)
def test_each_stage_says_what_it_means(said: dict[str, Any], means: str) -> None:
    view = promise(source(**said), {}, [], {"alarm": NONE, "watch": NONE}, 1.0)
    assert means in view.stage_means
    assert view.levels == []
