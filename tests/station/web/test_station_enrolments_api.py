"""Programs enrol machines as people do on the page."""

from __future__ import annotations

from typing import Any

import pytest
from asked import Asking
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

SAW: dict[str, Any] = {"name": "saw", "source": {"name": "saw cam", "url": "rtsp://10.0.0.9/saw"}}
AT = "/api/v1/enrolments"


def test_a_machine_is_begun_by_its_table(station: MadeUpStation, client: TestClient) -> None:
    asked = {**SAW, "running": "by level", "minutes": 30, "at_once": True}
    answer = client.post(AT, json=asked)
    assert answer.status_code == 201
    said = answer.json()
    assert said["machine"] == {
        "name": "saw",
        "running": "by level",
        "sources": [SAW["source"]],
    }
    assert (said["state"], said["minutes"], said["at_once"]) == ("recording", 30, True)
    assert client.get(f"{AT}/{said['id']}").json() == said
    assert said in client.get(AT).json()["enrolments"]


def test_all_are_listed_with_the_encoders(station: MadeUpStation, client: TestClient) -> None:
    listed = client.get(AT).json()
    states = [each["state"] for each in listed["enrolments"]]
    assert states == ["accepted", "failed", "offered", "recording"]
    assert listed["encoders"] == [{"id": "e" * 64, "machines": ["press-3", "pump 7"]}]


def test_one_tells_its_checks_and_its_rehearsal(station: MadeUpStation, client: TestClient) -> None:
    recorded = client.get(f"{AT}/{station.enrolments['recording']}").json()
    hum = next(each for each in recorded["checks"] if each["name"] == "Hum")
    assert not hum["is_fine"]
    assert "50 Hz" in hum["said"]
    assert hum["todo"]
    assert recorded["usable_s"] == 530
    assert recorded["starts"] == 3
    offered = client.get(f"{AT}/{station.enrolments['offered']}").json()
    assert offered["report"]["rehearsal"]["found"]["hiss"][-1] == 1.0


@pytest.mark.parametrize("act", ["record", "fit", "accept", "discard"])
def test_each_step_is_asked_of_the_station(
    act: str, station: MadeUpStation, client: TestClient
) -> None:
    id_ = station.enrolments["offered"]
    answer = client.post(f"{AT}/{id_}/{act}")
    assert (answer.status_code, answer.json()) == (202, {"id": id_, "act": act})
    state = {"record": "recording", "fit": "fitting", "accept": "accepted", "discard": "discarded"}
    assert station.plant.enrolling.asked == [(state[act], id_, "someone at this computer")]


def test_what_was_discarded_is_not_there(station: MadeUpStation, client: TestClient) -> None:
    id_ = station.enrolments["offered"]
    client.post(f"{AT}/{id_}/discard")
    assert client.get(f"{AT}/{id_}").status_code == 404
    assert client.post(f"{AT}/{id_}/fit").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": "press-3"}, 409, "press-3"),
        ({"name": "a/b"}, 409, "Name: expected a name"),
        ({"source": {"name": "m"}}, 409, "found none of them"),
        ({"source": {"name": "m", "url": "rtsp://u:hidden@c/1"}}, 409, "no password"),
        ({"source": {"name": "m", "push": {"token": "hidden"}}}, 409, "env:NAME"),
        ({"encoder": "f" * 64}, 409, "choose another one"),
        ({"minutes": 0}, 422, "greater than"),
        ({"bundle": "x.rattle"}, 422, "bundle"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    changes: dict[str, Any], status: int, words: str, station: MadeUpStation, client: TestClient
) -> None:
    answer = client.post(AT, json={**SAW, **changes})
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "hidden" not in answer.text
    assert station.plant.enrolling.asked == []


def test_the_dump_has_them_without_a_secret(
    station: MadeUpStation, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAW_TOKEN", "sesame-of-the-saw")
    push = {"name": "saw plc", "push": {"token": "env:SAW_TOKEN"}}
    assert asking().post(AT, json={**SAW, "source": push}).status_code == 201
    text = asking().get("/dump").text
    assert "env:SAW_TOKEN" in text
    assert "sesame-of-the-saw" not in text
