"""The pages on which a machine is enrolled."""

from __future__ import annotations

from typing import Any

import pytest
from asked import Asking
from fastapi.testclient import TestClient
from made_up_enrolling import made_up_pieces
from made_up_station import NOW, MadeUpStation

from rattle.station.store.enrolments import change
from rattle.station.web.pages.enrolment import levels_of

FORM = {
    "name": "saw",
    "kind": "url",
    "url": "rtsp://10.0.0.9/saw",
    "running": "always",
    "minutes": "20",
    "false_alarms_per_week": "1",
}


def test_the_form_begins_a_recording_and_leads_to_its_page(
    station: MadeUpStation, client: TestClient
) -> None:
    answer = client.post("/enrol", data=FORM)
    assert answer.url.path == f"/enrol/{station.plant.enrolling.every()[-1].row.id}"
    assert "saw is being recorded" in answer.text
    assert "saw source" in answer.text
    assert "saw" in client.get("/enrol").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "press-3"}, "press-3"),
        ({"url": "rtsp://u:hidden@cam/1"}, "no password"),
        ({"kind": "push", "token": "env:NOT_SET_HERE"}, "NOT_SET_HERE is not set"),
        ({"kind": "folder", "folder": "somewhere"}, "expected an absolute path"),
        ({"minutes": "0"}, "Minutes: "),
        ({"minutes": "many"}, "Minutes: "),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_filled_in(
    changes: dict[str, str], words: str, station: MadeUpStation, client: TestClient
) -> None:
    answer = client.post("/enrol", data={**FORM, **changes})
    assert answer.status_code == 409
    assert words in answer.text
    assert 'value="20"' in answer.text or "minutes" in changes
    assert station.plant.enrolling.asked == []


def test_each_kind_of_source_is_sent_as_it_is(
    station: MadeUpStation, client: TestClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAW_TOKEN", "sesame-of-the-saw")
    filled: dict[str, dict[str, str]] = {
        "folder": {"folder": str(tmp_path)},
        "push": {"token": "env:SAW_TOKEN", "sample_rate_hz": "48000", "channels": "2"},
    }
    for kind, fields in filled.items():
        asked = {**FORM, "name": f"saw {kind}", "kind": kind, **fields}
        assert client.post("/enrol", data=asked).status_code == 200
    newest = [each.row.config["sources"][0] for each in station.plant.enrolling.every()][-2:]
    by_name = {source["name"]: source for source in newest}
    assert by_name["saw folder source"] == {"name": "saw folder source", "folder": str(tmp_path)}
    assert by_name["saw push source"]["push"] == {
        "token": "env:SAW_TOKEN",
        "encoding": "s16le",
        "sample_rate_hz": 48_000,
        "channels": 2,
    }


def test_each_state_offers_what_can_be_done_with_it(
    station: MadeUpStation, client: TestClient
) -> None:
    can = {
        "recording": {"fit", "discard"},
        "offered": {"accept", "record", "discard"},
        "failed": {"fit", "record", "discard"},
        "accepted": set(),
    }
    for state, acts in can.items():
        text = client.get(f"/enrol/{station.enrolments[state]}").text
        every = ("fit", "accept", "record", "discard")
        assert {act for act in every if f'/{act}"' in text} == acts, state


def test_why_no_more_is_recorded_is_said(station: MadeUpStation, client: TestClient) -> None:
    id_ = station.enrolments["recording"]
    with station.context.database.writing() as session:
        change(session, id_, "ready", ("recording",), reason="it was heard to its end")
    text = client.get(f"/enrol/{id_}").text
    assert "It was heard to its end. Make its detector, record more, or discard it." in text
    assert {act for act in ("fit", "accept", "record") if f'/{act}"' in text} == {"fit", "record"}


def test_a_step_leads_back_to_the_page(station: MadeUpStation, client: TestClient) -> None:
    id_ = station.enrolments["offered"]
    answer = client.post(f"/enrol/{id_}/accept")
    assert (answer.status_code, answer.url.path) == (200, f"/enrol/{id_}")
    answer = client.post(f"/enrol/{id_}/discard")
    assert (answer.status_code, answer.url.path) == (200, "/enrol")
    assert client.post(f"/enrol/{id_}/fit").status_code == 404


def test_a_viewer_sees_and_cannot_act(
    station: MadeUpStation, asking: Asking, tokens: dict[str, str]
) -> None:
    viewer = asking(authorization=f"Bearer {tokens['viewer']}")
    assert "An admin enrols machines" in viewer.get("/enrol").text
    assert "<button" not in viewer.get(f"/enrol/{station.enrolments['offered']}").text.replace(
        '<button class="link"', ""
    )
    assert "enrol a machine" not in viewer.get("/").text


def test_without_a_shared_encoder_it_is_said_what_to_do(
    station: MadeUpStation, client: TestClient
) -> None:
    station.plant.enrolling.has_encoder = False
    text = client.get("/enrol").text
    assert "None can be enrolled yet" in text
    assert "Begin to record" not in text


def test_the_wall_and_the_settings_know_of_them(station: MadeUpStation, client: TestClient) -> None:
    assert "waits to be watched" in client.get("/").text
    settings = client.get("/settings").text
    assert "Remove grinder-4" in settings
    assert "[[machine]]" in settings
    assert str(station.context.file.data / "releases" / "grinder-4.rattle") in settings


def test_the_level_is_a_curve_that_breaks_where_sound_is_missing() -> None:
    whole = levels_of(made_up_pieces(NOW))
    assert whole is not None
    assert len(whole.curve) == 1
    assert [word for word, _ in whole.marks] == ["0 dB", "-20 dB", "-40 dB"]
    broken = [piece for place, piece in enumerate(made_up_pieces(NOW)) if place != 40]
    torn = levels_of(broken)
    assert torn is not None
    assert len(torn.curve) == 2
    assert levels_of([]) is None
