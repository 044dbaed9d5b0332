"""Where several stations share a database, each page says who hears what and keeps what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from made_up_station import NOW, PUSH_TOKEN, MadeUpStation
from sqlalchemy import update

from html_page import HtmlPage
from rattle.station.health import StationSeen
from rattle.station.store.tables import ClipRow, StationRow

FAR = "https://box-b.plant.example"


@pytest.fixture
def other(station: MadeUpStation) -> MadeUpStation:
    """Another station listens to the pump."""
    pump = station.machines["pump 7"]
    station.context.board.set_machine(pump, station="box-b", address=FAR)
    here = StationSeen("box-a", "http://127.0.0.1:8765", True, True, NOW, 2)
    there = StationSeen("box-b", FAR, False, False, NOW - timedelta(hours=3), 1)
    station.plant.state = replace(station.plant.state, stations=(here, there))
    return station


def said_at(client: TestClient, path: str) -> HtmlPage:
    answer = client.get(path)
    assert answer.status_code == 200
    return HtmlPage(answer.text)


def links(page: HtmlPage) -> set[str]:
    return {str(each["href"]) for each in page.all("a")}


def test_the_health_page_lists_the_stations_and_who_hears_what(
    other: MadeUpStation, client: TestClient
) -> None:
    page = said_at(client, "/health")
    assert "box-b" in page.said
    assert "not there" in page.said
    assert "heard by box-b" in page.said
    assert f"{FAR}/health" in links(page)
    states = client.get("/api/v1/health").json()["stations"]
    assert [(each["name"], each["is_there"]) for each in states] == [
        ("box-a", True),
        ("box-b", False),
    ]


def test_a_station_alone_says_nothing_of_stations(client: TestClient) -> None:
    assert "Stations" not in said_at(client, "/health").said
    assert client.get("/api/v1/health").json()["stations"] == []


def test_a_machine_says_who_listens_to_it(other: MadeUpStation, client: TestClient) -> None:
    page = said_at(client, "/machines/pump 7")
    assert "The station box-b listens to it." in page.said
    assert f"{FAR}/machines/pump%207" in links(page)
    assert "listens to it" not in said_at(client, "/machines/press-3").said
    machine = client.get("/api/v1/machines/pump 7").json()
    assert (machine["station"], machine["address"]) == ("box-b", FAR)


def test_what_is_told_to_the_wrong_station_is_refused_with_the_right_one(
    other: MadeUpStation, client: TestClient
) -> None:
    other.plant.inboxes.clear()
    client.headers["accept"] = "application/json"
    answer = client.post("/api/v1/machines/pump 7/running", json={"running": True})
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"The station box-b listens to pump 7; say it there, at {FAR}."
    )
    assert other.plant.running == {}
    answer = client.post(
        "/ingest/pump plc", content=b"", headers={"authorization": f"Bearer {PUSH_TOKEN}"}
    )
    assert answer.status_code == 503
    assert f"The station box-b listens to pump plc; push to {FAR}." in answer.text


def test_the_metrics_are_of_what_this_station_hears(
    other: MadeUpStation, client: TestClient
) -> None:
    text = client.get("/metrics").text
    assert 'rattle_source_state{machine="press-3"' in text
    assert 'rattle_source_state{machine="pump 7"' not in text


def test_a_recording_that_another_station_keeps_is_linked_and_not_played(
    station: MadeUpStation, client: TestClient
) -> None:
    incident = station.incidents["fault"]
    path = f"/incidents/{incident}"
    assert said_at(client, path).all("audio")
    with station.context.database.writing() as session:
        of = ClipRow.incident_id == incident
        session.execute(update(ClipRow).where(of).values(node="box-b:/data"))
        row = StationRow(
            node="box-b:/data", name="box-b", address=FAR, until=NOW, sources=[], hears=[]
        )
        session.add(row)
    # A folder that both share has it.
    assert said_at(client, path).all("audio")
    sha256 = station.clips["fault"]
    (station.context.file.data / "clips" / sha256[:2] / f"{sha256}.flac").unlink()
    page = said_at(client, path)
    assert f"/clips/{sha256}.flac" not in {str(each.get("src")) for each in page.all("audio")}
    assert "Its recording is kept by the station box-b, which heard it." in page.said
    assert f"{FAR}/incidents/{incident}" in links(page)
