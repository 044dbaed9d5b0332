"""A source that claims to be live and gives no window is found by someone else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hearing_kit import BEGAN, Kit, noise

from rattle.station.hear.watchdog import silent_sources, watch
from rattle.station.records import IncidentChanged


def test_a_source_without_a_window_for_a_minute_is_an_incident_until_its_next() -> None:
    kit = Kit()
    kit.hear(noise(30))
    heard_at = kit.now.heard_at
    assert heard_at is not None
    assert watch(kit.board, kit.troubles, heard_at + timedelta(seconds=59)) == []
    silent = watch(kit.board, kit.troubles, heard_at + timedelta(seconds=61))
    assert [source.id for source in silent] == ["mic"]
    watch(kit.board, kit.troubles, heard_at + timedelta(seconds=71))
    [opened] = kit.of(IncidentChanged)
    assert (opened.kind, opened.subject) == ("source", "mic")
    assert "no window for 60 s" in opened.reason
    kit.at = heard_at + timedelta(seconds=75)
    kit.hear(noise(10))
    assert watch(kit.board, kit.troubles, kit.at) == []
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended"]


def test_one_that_turns_out_to_be_lost_keeps_its_incident_until_it_is_heard() -> None:
    kit = Kit()
    kit.hear(noise(30))
    for seconds in (65, 75):
        watch(kit.board, kit.troubles, kit.at + timedelta(seconds=seconds))
    for seconds in (80, 141, 150):
        kit.ear.lost("no sound for 10 s", kit.at + timedelta(seconds=seconds))
        watch(kit.board, kit.troubles, kit.at + timedelta(seconds=seconds))
    assert len({each.id for each in kit.of(IncidentChanged)}) == 1
    assert kit.of(IncidentChanged)[-1].state == "open"
    kit.at += timedelta(seconds=160)
    kit.hear(noise(10))
    assert kit.of(IncidentChanged)[-1].state == "ended"


@pytest.mark.parametrize("state", ["connecting", "lost", "ended", "off"])
def test_one_that_does_not_claim_to_be_live_is_not_asked(state: str) -> None:
    kit = Kit()
    kit.board.set_source("mic", state=state, since=BEGAN, heard_at=BEGAN)
    assert silent_sources(kit.board, BEGAN + timedelta(hours=1)) == []


def test_one_that_was_just_connected_has_a_minute() -> None:
    kit = Kit()
    connected = BEGAN + timedelta(hours=1)
    kit.board.set_source("mic", state="live", since=connected, heard_at=BEGAN)
    assert silent_sources(kit.board, connected + timedelta(seconds=50)) == []
    assert silent_sources(kit.board, connected + timedelta(seconds=61))


def test_a_folder_may_wait_for_days() -> None:
    kit = Kit()
    kit.board.set_source("mic", kind="folder", state="live", since=BEGAN)
    assert silent_sources(kit.board, BEGAN + timedelta(days=3)) == []
