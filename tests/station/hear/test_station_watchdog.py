"""A source that claims to be live and gives no window is found by someone else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hearing_kit import BEGAN, Kit, noise

from rattle.station.hear.watchdog import Watchdog
from rattle.station.records import IncidentChanged


class Watched:
    """An ear and its watchdog, with a clock that only counts."""

    def __init__(self) -> None:
        self.kit, self.seconds = Kit(), 0.0
        self._dog = Watchdog(self.kit.board, self.kit.troubles, lambda: self.seconds)

    def silent(self, after_s: float = 0.0, now: timedelta | None = None) -> list[str]:
        """Those that are, when it is looked so much later; ``now`` is what the other clock did."""
        self.seconds += after_s
        self.kit.at += timedelta(seconds=after_s) if now is None else now
        return [source.id for source in self._dog.look(self.kit.at)]


def test_a_source_without_a_window_for_a_minute_is_an_incident_until_its_next() -> None:
    watched = Watched()
    kit = watched.kit
    kit.hear(noise(30))
    assert watched.silent() == []
    assert watched.silent(59) == []
    assert watched.silent(2) == ["mic"]
    assert watched.silent(10) == ["mic"]
    [opened] = kit.of(IncidentChanged)
    assert (opened.kind, opened.subject) == ("source", "mic")
    assert "no window for 60 s" in opened.reason
    kit.hear(noise(10))
    assert watched.silent() == []
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended"]


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_set_makes_no_source_silent_and_hides_none(hours: int) -> None:
    watched = Watched()
    watched.kit.hear(noise(30))
    assert watched.silent() == []
    assert watched.silent(10, now=timedelta(hours=hours)) == []
    assert watched.kit.of(IncidentChanged) == []
    assert watched.silent(51) == ["mic"]


def test_one_that_turns_out_to_be_lost_keeps_its_incident_until_it_is_heard() -> None:
    watched = Watched()
    kit = watched.kit
    kit.hear(noise(30))
    for after_s in (0, 65, 10):
        watched.silent(after_s)
    for after_s in (5, 61, 9):
        kit.at += timedelta(seconds=after_s)
        kit.ear.lost("no sound for 10 s", kit.at)
        watched.silent(after_s, now=timedelta())
    assert len({each.id for each in kit.of(IncidentChanged)}) == 1
    assert kit.of(IncidentChanged)[-1].state == "open"
    kit.at += timedelta(seconds=10)
    kit.hear(noise(10))
    assert kit.of(IncidentChanged)[-1].state == "ended"


@pytest.mark.parametrize("state", ["connecting", "lost", "ended", "off"])
def test_one_that_does_not_claim_to_be_live_is_not_asked(state: str) -> None:
    watched = Watched()
    watched.kit.board.set_source("mic", state=state, since=BEGAN, heard_at=BEGAN)
    assert watched.silent() == []
    assert watched.silent(3600) == []


def test_one_that_was_just_connected_has_a_minute() -> None:
    watched = Watched()
    watched.kit.board.set_source("mic", state="live", since=BEGAN, heard_at=BEGAN)
    assert watched.silent() == []
    watched.kit.board.set_source("mic", state="live", since=BEGAN + timedelta(hours=1))
    assert watched.silent(3600) == []
    assert watched.silent(50) == []
    assert watched.silent(11) == ["mic"]


def test_a_folder_may_wait_for_days() -> None:
    watched = Watched()
    watched.kit.board.set_source("mic", kind="folder", state="live", since=BEGAN)
    assert watched.silent() == []
    assert watched.silent(3 * 86_400) == []
