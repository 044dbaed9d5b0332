"""What a detector has learnt, and the choice between it and the one in use."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation, offer_head


def test_a_machine_shows_what_is_offered_and_what_verdicts_have_brought(
    client: TestClient, station: MadeUpStation
) -> None:
    assert "Nothing yet" in client.get("/machines/press-3").text
    release = offer_head(station)
    text = client.get("/machines/press-3").text
    assert f'href="/releases/{release}"' in text
    assert "learnt from 1 fault and 1 false alarm" in text
    assert "2 verdicts: 3 of 4 faults found, 3 of 3 rejected alarms silent" in text
    assert "Nothing yet" not in text


def test_what_goes_on_is_said(client: TestClient, station: MadeUpStation) -> None:
    machine = station.machines["press-3"]
    station.context.board.set_machine(machine, learning="Fitting a head to 3 verdicts.")
    assert "Fitting a head to 3 verdicts." in client.get("/machines/press-3").text


def test_a_release_shows_both_heads_side_by_side(
    client: TestClient, station: MadeUpStation
) -> None:
    text = client.get(f"/releases/{offer_head(station)}").text
    assert "It is shown to be better, or no worse." in text
    assert "3 (1.2 a week)" in text
    assert "1 (0.4 a week)" in text
    assert "+0.004 to +0.116" in text
    assert f'href="/incidents/{station.incidents["alarm"]}">Listen' in text
    assert "no recording is kept" in text
    assert "Alarms that would be gone: 2" in text


@pytest.mark.parametrize("state", ["candidate", "retired"])
def test_a_person_chooses_it(client: TestClient, station: MadeUpStation, state: str) -> None:
    release = offer_head(station, state)
    answer = client.post(
        f"/releases/{release}/promote", data={"reason": " hears the belt "}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/machines/press-3#learning")
    assert [each[0::2] for each in station.plant.promoted] == [(release, "hears the belt")]


def test_one_that_the_gate_refused_takes_a_reason(
    client: TestClient, station: MadeUpStation
) -> None:
    release = offer_head(station, "refused")
    text = client.get(f"/releases/{release}").text
    assert "would be missed" in text
    assert 'name="reason" maxlength="300" required' in text
    for path, body in (
        (f"/releases/{release}/promote", {"data": {"reason": " "}}),
        (f"/api/v1/releases/{release}/promote", {"json": {}}),
    ):
        answer = client.post(path, **body)
        assert answer.status_code == 409
        assert "say why" in answer.text
    assert not station.plant.promoted


def test_there_is_no_such_release(client: TestClient) -> None:
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert client.get(f"/releases/{unknown}").status_code == 404
    assert client.post(f"/releases/{unknown}/promote").status_code == 404
    assert client.get(f"/api/v1/releases/{unknown}").status_code == 404
    assert client.post(f"/api/v1/releases/{unknown}/promote", json={}).status_code == 404
