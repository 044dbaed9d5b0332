"""Curves are where the values are; gaps stay gaps."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rattle.station.store.reading.minutes import Timeline
from rattle.station.store.reading.views import ThresholdView
from rattle.station.web.pages.course import course
from rattle.station.web.pages.curves import HEIGHT, WIDTH, Frame, areas, frame_of, lines, steps

FRAME = Frame(0.0, 100.0, 0.0, 2.0)
BEGIN = datetime(2026, 3, 20, 12, tzinfo=UTC)
NAN = math.nan


def points(line: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in line.split()]


def test_a_line_goes_through_its_values() -> None:
    (line,) = lines(FRAME, [0, 50, 100], [0.0, 1.0, 2.0])
    assert points(line) == [(0, HEIGHT), (WIDTH / 2, HEIGHT / 2), (WIDTH, 0)]


def test_what_was_not_scored_is_a_gap_and_a_value_alone_is_seen() -> None:
    found = lines(FRAME, [0, 10, 20, 30, 40], [1.0, 1.0, NAN, 1.5, NAN])
    assert len(found) == 2
    (left, height), (right, same) = points(found[1])
    assert right > left
    assert height == same


def test_an_area_lies_between_the_lowest_and_the_highest() -> None:
    (area,) = areas(FRAME, [0, 100], [0.5, 0.5], [1.5, 1.5])
    assert {y for _, y in points(area)} == {HEIGHT * 0.25, HEIGHT * 0.75}


def test_a_limit_holds_until_the_next_one() -> None:
    assert steps(FRAME, [(-50, 1.0), (40, 1.5)]) == "M0.0 100.0H400.0M400.0 50.0H1000.0"


def test_a_limit_far_above_what_was_heard_does_not_flatten_it() -> None:
    near, far = (frame_of(0, 1, [0.2, 0.5], [limit]) for limit in (1.9, 2.1))
    assert near.high > 1.9
    assert far.high == pytest.approx(0.54)


def heard(**said: object) -> Timeline:
    usual = {
        "step_s": 60,
        "at": BEGIN.timestamp() + 60.0 * np.arange(6),
        "highest": np.array([NAN, 0.5, 0.6, NAN, 0.5, NAN]),
        "lowest": np.array([NAN, 0.4, 0.4, NAN, 0.4, NAN]),
        "level_db": np.full(6, -30.0),
        "running": np.ones(6),
        "lost": np.array([NAN, 0, 0, NAN, 0, NAN]),
        "fitness": ("",) * 6,
        "operating": ("running",) * 6,
    }
    return Timeline(**{**usual, **said})  # type: ignore[arg-type]


def threshold(value: float) -> ThresholdView:
    far = BEGIN - timedelta(days=1)
    return ThresholdView("T", "S", "R", "alarm", value, 0.7, 2.0, 0.1, 9, 1.0, 999, "why", far)


def test_a_course_marks_the_time_without_sound_between_what_was_heard() -> None:
    drawn = course("it", BEGIN, BEGIN + timedelta(minutes=6), heard(), [threshold(0.7)], [])
    # The first and the last minute are not over, or were not listened to: no gap.
    assert [(box.kind, box.left, round(box.width)) for box in drawn.bands] == [("lost", 500.0, 167)]
    assert len(drawn.lines) == 2
    assert drawn.alarm.startswith("M0.0")
    assert (drawn.beyond, drawn.is_empty) == ("", False)


def test_a_course_tells_apart_why_nothing_was_scored() -> None:
    lost = np.zeros(6)
    off = ("running", "running", "off", "idle", "running", "running")
    drawn = course(
        "it",
        BEGIN,
        BEGIN + timedelta(minutes=6),
        heard(lost=lost, operating=off, fitness=("", "", "", "", "", "silent")),
        [],
        [],
    )
    assert [box.kind for box in drawn.bands] == ["off", "unfit"]


def test_a_stretch_between_two_windows_is_no_gap() -> None:
    between = np.array([0.5, NAN, 0.6, NAN, 0.5, 0.5])
    drawn = course(
        "it",
        BEGIN,
        BEGIN + timedelta(minutes=6),
        heard(highest=between, lowest=between, lost=np.zeros(6)),
        [],
        [],
    )
    assert len(drawn.lines) == 1


def test_a_course_says_of_an_alarm_threshold_that_is_above_it() -> None:
    drawn = course("it", BEGIN, BEGIN + timedelta(minutes=6), heard(), [threshold(9.0)], [])
    assert (drawn.alarm, drawn.beyond) == ("", "9.00")


def test_a_course_of_nothing_is_empty_and_has_its_axes() -> None:
    nothing = np.full(6, NAN)
    drawn = course(
        "it",
        BEGIN,
        BEGIN + timedelta(minutes=6),
        heard(highest=nothing, lowest=nothing, lost=nothing),
        [],
        [],
    )
    assert drawn.is_empty
    assert drawn.bands == []
    assert drawn.times
    assert drawn.scores
