"""What is said of a machine is the worst that is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rattle.station.board import MachineNow, SourceNow
from rattle.station.web.pages.states import WORST_FIRST, state_of_machine, state_of_source, y_now

AT = datetime(2026, 3, 20, tzinfo=UTC)
WELL: dict[str, Any] = {"state": "live", "operating": "running", "stage": "settled"}


def source(**said: Any) -> SourceNow:
    return SourceNow("S", "mic", "M", "device", "USB", **{**WELL, **said})


def machine(*sources: SourceNow, **said: Any) -> MachineNow:
    return MachineNow("M", "press", 1.0, "always", "R", sources, **said)


@pytest.mark.parametrize(
    ("said", "kind", "word"),
    [
        ({}, "running", "running"),
        ({"operating": "idle"}, "idle", "idle"),
        ({"operating": "off"}, "off", "off"),
        ({"operating": "unknown"}, "unknown", "listening"),
        ({"stage": "learning", "minutes": 41}, "learning", "learning, 41 of 120 minutes"),
        ({"stage": "learning", "operating": "off"}, "off", "off"),
        ({"state": "lost"}, "lost", "lost"),
        ({"state": "unfit"}, "unfit", "microphone bad"),
        ({"state": "connecting"}, "connecting", "connecting"),
        ({"state": "ended"}, "ended", "heard to its end"),
        ({"state": "off"}, "off", "not listened to"),
    ],
)
def test_each_state_of_a_source_has_its_word(said: dict[str, Any], kind: str, word: str) -> None:
    state = state_of_source(source(**said))
    assert (state.kind, state.word) == (kind, word)
    assert (state_of_machine(machine(source(**said)), {}).kind) == kind


def test_an_incident_comes_before_all_and_what_is_not_heard_is_said_beside_it() -> None:
    loud = machine(source(state="lost"), level="alarm", incident_id="I")
    state = state_of_machine(loud, {"I": AT})
    assert (state.kind, state.since, state.reason) == ("alarm", AT, "mic: lost")


def test_one_lost_source_of_two_is_said() -> None:
    state = state_of_machine(machine(source(), source(state="lost", reason="why", since=AT)), {})
    assert (state.kind, state.word, state.reason, state.since) == (
        "lost",
        "1 of 2 sources lost",
        "why",
        AT,
    )


def test_a_machine_runs_where_any_source_hears_it_run() -> None:
    assert state_of_machine(machine(source(operating="idle"), source()), {}).kind == "running"


def test_what_needs_a_look_comes_first() -> None:
    kinds = [state_of_source(source(state=state)).needs_a_look for state in ("lost", "unfit")]
    assert kinds == [True, True]
    assert WORST_FIRST[:4] == ("alarm", "watch", "lost", "unfit")


def test_an_incident_that_is_calm_at_the_moment_says_so() -> None:
    for y, is_calm in ((0.5, True), (0.9, False), (None, False)):
        loud = machine(source(y=y, watch=0.8, alarm=1.0), level="alarm")
        state = state_of_machine(loud, {})
        assert (state.is_calm, "calm at the moment" in state.reason) == (is_calm, is_calm)


def test_a_score_of_before_a_source_was_lost_is_none_of_now() -> None:
    assert y_now(source(y=0.5)) == 0.5
    assert y_now(source(y=0.5, state="lost")) is None
