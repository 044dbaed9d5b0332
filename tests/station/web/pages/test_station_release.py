"""What a detector has learnt, and the choice between it and the one in use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation, offer_head

from rattle.station.ids import new_id
from rattle.station.store.tables import PromotionRow, ReleaseRow


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


def test_a_machine_says_which_head_is_in_use_since_when_and_how_to_go_back(
    client: TestClient, station: MadeUpStation
) -> None:
    machine, given = station.machines["press-3"], station.releases["press-3"]
    head = offer_head(station, "live")
    at = datetime(2026, 3, 20, 11, 7, tzinfo=UTC)
    with station.context.database.writing() as session:
        session.get_one(ReleaseRow, given).state = "retired"
        session.add(
            PromotionRow(
                id=new_id(at),
                machine_id=machine,
                release_id=head,
                before_id=given,
                at=at,
                who="anna",
                reason="",
            )
        )
    station.context.board.set_machine(machine, release_id=head)
    text = client.get("/machines/press-3").text
    assert "Nothing yet" not in text
    assert "</a> is in use. To go back" in text
    in_use = text.partition("<dt>in use since</dt>")[2].partition("</dd>")[0]
    assert "2026-03-20 11:07" in in_use


def test_a_machine_whose_head_was_put_back_says_what_is_in_use(
    client: TestClient, station: MadeUpStation
) -> None:
    offer_head(station, "retired")
    text = client.get("/machines/press-3").text
    assert "The bundle of plant.toml is in use." in text
    assert "Nothing yet" not in text


def test_a_gate_without_thresholds_says_of_no_fault_that_it_would_be_silent(
    client: TestClient, station: MadeUpStation
) -> None:
    release = offer_head(station)
    with station.context.database.writing() as session:
        row = session.get_one(ReleaseRow, release)
        silent = [{**each, "old": None, "new": None} for each in row.gate["incidents"]]
        row.gate = {**row.gate, "state": "not shown", "judged": False, "incidents": silent}
        row.learnt = {station.incidents["fault"]: "anomaly"}
    text = client.get(f"/releases/{release}").text
    assert "A head that learnt from 1 fault<" in text
    assert "Reviewed incidents" in text
    assert "silent" not in text
    assert "would be gone" not in text
    assert "would be gone" in client.get(f"/releases/{offer_head(station, 'refused')}").text


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
    assert "1 (0.42 a week)" in text
    assert "+0.004 to +0.116" in text
    assert f'href="/incidents/{station.incidents["alarm"]}">Listen' in text
    assert "no recording is kept" in text
    assert "Alarms that would be gone: 2" in text
    assert text.count('datetime="2026-03-18T04:10:00Z"') == 2


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
