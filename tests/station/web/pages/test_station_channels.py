"""The health page says how each channel is, and lets an admin try one."""

from __future__ import annotations

from dataclasses import replace

from asked import Asking
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation
from sqlalchemy import select

from rattle.station.store.tables import NoticeRow


def test_a_channel_that_fails_is_red_with_its_reason(client: TestClient) -> None:
    text = client.get("/health").text
    assert '<span class="state failing">' in text
    assert "Connection refused" in text
    assert "mqtt://broker.example:1883" in text
    assert "2 messages could not be used" in text


def test_a_test_waits_for_its_channel_at_once(station: MadeUpStation, asking: Asking) -> None:
    answer = asking().post("/health/test-notice", data={"channel": "maintenance"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/health#told")
    with station.context.database.reading() as session:
        (row,) = session.scalars(select(NoticeRow))
    assert (row.channel, row.what, row.state) == ("maintenance", "test", "waiting")
    assert row.due == station.context.now()
    assert row.body["link"] == "http://127.0.0.1:8765/health"


def test_a_channel_that_the_file_does_not_name_cannot_be_tried(
    station: MadeUpStation, client: TestClient
) -> None:
    answer = client.post("/health/test-notice", data={"channel": "boss"})
    assert answer.status_code == 404
    assert "plant.toml names no channel" in answer.text


def test_only_an_admin_sees_the_button(tokens: dict[str, str], asking: Asking) -> None:
    for role, sees in (("viewer", False), ("reviewer", False), ("admin", True)):
        page = asking(authorization=f"Bearer {tokens[role]}").get("/health").text
        assert ("Send a test" in page) == sees


def test_a_plant_that_tells_nobody_says_how_to(station: MadeUpStation, client: TestClient) -> None:
    station.plant.state = replace(station.plant.state, channels=(), broker=None)
    text = client.get("/health").text
    assert "alarms are on this page alone" in text
    assert 'class="state failing"' not in text


def test_programs_are_told_the_same(client: TestClient) -> None:
    told = client.get("/api/v1/health").json()
    assert [each["name"] for each in told["channels"]] == ["shift", "maintenance"]
    assert (told["channels"][1]["waiting"], told["channels"][1]["expired"]) == (3, 1)
    assert told["broker"]["connected"] is True
    metrics = client.get("/metrics").text
    assert 'rattle_notices{channel="maintenance",state="waiting"} 3.0' in metrics
    assert 'rattle_channel_failing{channel="shift"} 0.0' in metrics
    assert "rattle_mqtt_connected 1.0" in metrics
