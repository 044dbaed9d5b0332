"""What every page says at its top: what is wrong with all of the station, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rattle.station.board import MachineNow, SourceNow
from rattle.station.health import Kept, StationSeen, Writing
from rattle.station.plant.banners import COMMON, WITHIN, Beginnings, banners_of, gone

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


def said(**changes: Any) -> tuple[str, ...]:
    given: dict[str, Any] = {
        "writing": Writing(),
        "kept": Kept(),
        "failed": {},
        "machines": [],
        "opened": [],
        "now": NOW,
        "refused": {},
        "enrolled": {},
    }
    return banners_of(**{**given, **changes})


def machine(state: Any) -> MachineNow:
    source = SourceNow("s", "cam", "m", "url", "rtsp://c", state=state)
    return MachineNow("m", "press", 1.0, "always", "r", (source,))


def test_nothing_where_all_is_well() -> None:
    assert said(machines=[machine("live"), machine("lost")], opened=[NOW] * COMMON) == ()


def test_a_database_that_is_away_comes_first_with_what_waits() -> None:
    first, second = said(
        writing=Writing(waiting=1234, error="the database hall cannot be used", full_disk="full")
    )
    assert "1,234 records wait" in first
    assert "hall cannot be used" in first
    assert "No recording can be kept" in second


def test_more_incidents_at_once_than_chance_have_a_cause_in_common() -> None:
    opened = [NOW - timedelta(minutes=minute) for minute in range(COMMON + 1)]
    assert "cause in common" in said(opened=opened)[0]
    assert said(opened=[NOW - timedelta(minutes=11)] * 9) == ()


def test_what_keeps_an_enrolled_machine_from_being_watched_is_said() -> None:
    (only,) = said(enrolled={"saw": "plant.toml names it, too"})
    assert only == "saw, which was enrolled: plant.toml names it, too."


def test_a_plant_that_hears_nothing_looks_at_its_network() -> None:
    assert "network" in said(machines=[machine("lost"), machine("lost")])[0]
    assert said(machines=[machine("lost")]) == ()


def test_a_job_that_fails_is_said() -> None:
    assert said(failed={"Retention": "no space"}) == (
        "Retention failed and is tried again: no space",
    )


def test_machines_whose_incidents_begin_at_one_moment_are_counted_each() -> None:
    beginnings = Beginnings()
    for number in range(COMMON + 1):
        for _told_again in range(2):
            beginnings.note(f"incident {number}", NOW, NOW)
    (said_,) = said(opened=beginnings())
    assert said_.startswith(f"{COMMON + 1} incidents within ten minutes")


def test_incidents_that_have_gone_on_for_long_hide_no_new_one() -> None:
    beginnings = Beginnings()
    beginnings.note("new", NOW, NOW)
    for number in range(100):
        beginnings.note(f"old {number}", NOW - 2 * WITHIN, NOW)
    assert beginnings() == [NOW]


def test_a_bundle_that_cannot_be_used_is_named_with_its_machine() -> None:
    (only,) = said(refused={"press": "press.rattle is damaged"})
    assert only.startswith("press is judged by the bundle that it had before")
    assert only.endswith("press.rattle is damaged")


def test_a_station_that_died_is_said_and_one_that_ended_is_not() -> None:
    there = StationSeen("one", "http://one", is_here=True, is_there=True, until=NOW, machines=2)
    died = replace(there, name="two", is_here=False, is_there=False)
    ended = replace(died, name="three", machines=0)
    (said,) = gone([there, died, ended])
    assert said.startswith("The station two has not been there since 2026")
