"""Whether a machine runs: by the level of its sound, with patience, or by a tag."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from rattle import DataError
from rattle.station.config.model import Machine
from rattle.station.hear.operating import Always, ByLevel, ByTag, running_of


def states(levels: Sequence[float | None], above: float = -30.0) -> list[str]:
    running = ByLevel(above)
    said = []
    for second, level in enumerate(levels, 1):
        running.second(second, level)
        said.append(running.state)
    return said


def test_it_runs_after_five_seconds_above_the_level() -> None:
    assert states([-20.0] * 6) == [*["unknown"] * 4, "running", "running"]


def test_it_rests_after_five_seconds_three_decibels_below() -> None:
    said = states([*[-20.0] * 5, *[-32.9] * 10, *[-33.1] * 5])
    assert said[4:] == [*["running"] * 15, "idle"]


def test_a_pause_of_four_seconds_is_none() -> None:
    said = states([*[-20.0] * 5, *[-50.0] * 4, -20.0, *[-50.0] * 4, -20.0])
    assert set(said[4:]) == {"running"}


def test_a_knock_does_not_start_it() -> None:
    assert "running" not in states([-60.0] * 5 + [-10.0] * 4 + [-60.0] * 5)


def test_below_silence_it_is_off() -> None:
    said = states([*[-50.0] * 5, *[-95.0] * 5, *[-50.0] * 1])
    assert said[4:] == ["idle", *["idle"] * 4, "off", "idle"]


def test_damaged_sound_is_no_running() -> None:
    assert "running" not in states([None] * 8)


def test_a_window_counts_that_began_once_it_ran_and_ends_before_a_pause() -> None:
    running = ByLevel(-30.0)
    for second, level in enumerate([-60.0] * 3 + [-20.0] * 7, 1):
        running.second(second, level)
    assert running.ran(3.0, 9.0)
    assert not running.ran(2.5, 9.0)
    running.second(11, -60.0)
    assert not running.ran(5.0, 10.5)
    running.second(12, -20.0)
    assert running.ran(5.0, 12.0)


def test_a_tag_counts_from_when_it_is_said() -> None:
    running = ByTag()
    assert running.state == "unknown"
    assert not running.ran(0, 1)
    running.tag(True, 10.0)
    running.tag(True, 20.0)
    assert running.ran(10.0, 12.0)
    assert not running.ran(9.0, 11.0)
    running.tag(False, 30.0)
    assert not running.ran(20.0, 22.0)
    assert running.state == "idle"


def machine(**values: Any) -> Machine:
    sources = [{"name": "mic", "url": "rtsp://camera"}]
    return Machine.model_validate(
        {"name": "press", "bundle": "press.rattle", "sources": sources, **values}
    )


def scorer(level_dbfs: tuple[float, float] | None) -> Any:
    recorder = None if level_dbfs is None else SimpleNamespace(level_dbfs=level_dbfs)
    return SimpleNamespace(info=SimpleNamespace(recorder=recorder))


def test_without_a_level_it_runs_from_12_db_below_the_softest_training_clip() -> None:
    running = running_of(machine(running="by level"), scorer((-31.0, -20.0)))
    assert isinstance(running, ByLevel)
    assert running.above_dbfs == -43.0


def test_what_the_file_says_counts_first() -> None:
    by_level = machine(running="by level", running_above_dbfs=-25.5)
    running = running_of(by_level, scorer((-31.0, -20.0)))
    assert isinstance(running, ByLevel)
    assert running.above_dbfs == -25.5
    assert isinstance(running_of(machine(), scorer(None)), Always)
    assert isinstance(running_of(machine(running="by tag"), scorer(None)), ByTag)


def test_a_bundle_that_does_not_know_its_clips_level_is_told_with_the_key_to_set() -> None:
    with pytest.raises(DataError, match=r"press: press\.rattle .* set running_above_dbfs"):
        running_of(machine(running="by level"), scorer(None))
