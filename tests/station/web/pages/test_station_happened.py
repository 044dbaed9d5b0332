"""One sentence says what an incident was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rattle.station.store.reading.views import IncidentView
from rattle.station.web.pages.happened import happened, title_of
from rattle.station.web.pages.incident import why_silent

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
INCIDENT = IncidentView(
    id="I",
    machine_id="M",
    machine="press-3",
    source_id="S",
    source="cam",
    subject="M",
    kind="machine",
    level="alarm",
    state="ended",
    opened=NOW - timedelta(minutes=30),
    ended=NOW - timedelta(minutes=18),
    peak=1.83,
    peak_at=NOW,
    release_id="R",
    threshold_id="T",
    threshold=1.2,
    reason="",
    explanation=None,
    verdict=None,
    fault=None,
    comment=None,
)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {},
            "press-3 sounded anomalous from AT for 12 minutes. At its highest the score was 1.83; "
            "the alarm begins at 1.20",
        ),
        (
            {"state": "open", "ended": None, "threshold": None},
            "press-3 has sounded anomalous since AT, for 30 minutes by now. At its highest the "
            "score was 1.83",
        ),
        (
            {"state": "interrupted", "peak": None},
            "press-3 sounded anomalous from AT until the station stopped listening after 12 "
            "minutes",
        ),
        (
            {"kind": "drift", "state": "open", "reason": "since 2026-03-02 it is 0.4 higher"},
            "As cam of press-3 hears it, the machine was found to sound otherwise on AT: since "
            "2026-03-02 it is 0.4 higher",
        ),
        (
            {"kind": "drift", "reason": "since 2026-03-02 it is 0.4 higher"},
            "As cam of press-3 hears it, the machine was found to sound otherwise on AT; that was "
            "over after 12 minutes: since 2026-03-02 it is 0.4 higher",
        ),
        (
            {"kind": "microphone", "reason": "it is silent"},
            "cam of press-3 was not fit to be scored from AT for 12 minutes: it is silent",
        ),
        (
            {"kind": "microphone", "state": "open", "ended": None, "reason": "it is silent"},
            "cam of press-3 has not been fit to be scored since AT, for 30 minutes by now: it is "
            "silent",
        ),
        (
            {"kind": "source", "state": "open", "ended": None},
            "cam of press-3 has not been heard since AT, for 30 minutes by now",
        ),
        ({"kind": "source"}, "cam of press-3 was not heard from AT for 12 minutes"),
    ],
)
def test_a_sentence_says_what_when_and_how_long(said: dict[str, Any], sentence: str) -> None:
    found = happened(replace(INCIDENT, **said), NOW)
    assert f"{found.before} AT{found.after}" == sentence
    assert found.at == INCIDENT.opened


def test_a_title_names_what_it_is_about() -> None:
    titles = [
        title_of(replace(INCIDENT, kind=kind))
        for kind in ("machine", "microphone", "source", "drift")
    ]
    assert titles == ["Alarm: press-3", "Microphone: cam", "No sound: cam", "Drift: cam"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"recording_dropped": "someone speaks in it"}, "someone speaks in it"),
        ({"kind": "source"}, "nothing was heard"),
        ({"kind": "microphone"}, "about the microphone"),
        ({"kind": "drift"}, "about days of sound"),
        ({"state": "open"}, "still being made"),
        ({}, "made room for newer ones"),
    ],
)
def test_where_nothing_can_be_played_it_is_said_why(said: dict[str, Any], why: str) -> None:
    assert why in why_silent(replace(INCIDENT, **said))
