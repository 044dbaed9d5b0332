"""Samples that other programs push."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest
import websockets.sync.client
from asked import Asking
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_up_station import PUSH_TOKEN, RATE_HZ, MadeUpInbox, MadeUpStation
from served import Served, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rattle.station.config.model import Machine
from rattle.station.web.ingest import MOST_BYTES, MOST_SECONDS

A_SECOND = bytes(2 * RATE_HZ)
HEADERS = {"authorization": f"Bearer {PUSH_TOKEN}"}


@pytest.fixture
def pump(asking: Asking) -> TestClient:
    return asking(**HEADERS)


@pytest.fixture
def inbox(station: MadeUpStation) -> MadeUpInbox:
    return station.plant.inboxes["pump plc"]


def test_samples_reach_the_inbox_as_they_are(pump: TestClient, inbox: MadeUpInbox) -> None:
    sent = bytes(range(256)) * 10
    answer = pump.post("/ingest/pump plc", content=sent)
    assert (answer.status_code, answer.json()) == (200, {"bytes": len(sent)})
    assert bytes(inbox.taken) == sent


def test_nothing_is_taken_where_there_is_no_room(pump: TestClient, inbox: MadeUpInbox) -> None:
    inbox.room = len(A_SECOND) + 10
    assert pump.post("/ingest/pump plc", content=A_SECOND).status_code == 200
    answer = pump.post("/ingest/pump plc", content=A_SECOND)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert len(inbox.taken) == len(A_SECOND)


def test_half_a_sample_is_refused_so_that_it_shifts_nothing_that_follows(
    pump: TestClient, inbox: MadeUpInbox
) -> None:
    answer = pump.post("/ingest/pump plc", content=A_SECOND[:-1])
    assert answer.status_code == 400
    assert "31999 bytes are no whole number of samples, which are 2 bytes each" in answer.text
    assert not inbox.taken
    assert pump.post("/ingest/pump plc", content=A_SECOND).status_code == 200
    assert len(inbox.taken) == len(A_SECOND)


def test_more_than_five_seconds_at_once_can_never_be_taken(
    pump: TestClient, inbox: MadeUpInbox
) -> None:
    assert pump.post("/ingest/pump plc", content=A_SECOND * int(MOST_SECONDS)).status_code == 200
    answer = pump.post("/ingest/pump plc", content=A_SECOND * int(MOST_SECONDS + 1))
    assert answer.status_code == 413
    assert "6.0 s of sound" in answer.json()["detail"]
    assert len(inbox.taken) == len(A_SECOND) * int(MOST_SECONDS)


def test_more_than_a_megabyte_is_refused(pump: TestClient, inbox: MadeUpInbox) -> None:
    assert pump.post("/ingest/pump plc", content=bytes(MOST_BYTES + 1)).status_code == 413
    pieces = (bytes(100_000) for _ in range(11))
    assert pump.post("/ingest/pump plc", content=pieces).status_code == 413
    assert not inbox.taken


@pytest.mark.parametrize(
    ("headers", "source", "status"),
    [
        ({}, "pump plc", 401),
        ({"authorization": "Bearer wrong"}, "pump plc", 401),
        ({"authorization": f"Basic {PUSH_TOKEN}"}, "pump plc", 401),
        ({"authorization": "Bearer "}, "pump plc", 401),
        ({"authorization": "Bearer wrong"}, "no such", 401),
        (HEADERS, "no such", 404),
        (HEADERS, "press cam", 404),
    ],
)
def test_only_who_knows_the_token_may_push(
    headers: dict[str, str], source: str, status: int, asking: Asking, inbox: MadeUpInbox
) -> None:
    answer = asking(**headers).post(f"/ingest/{source}", content=A_SECOND)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert PUSH_TOKEN not in answer.text
    assert not inbox.taken


def test_the_token_in_the_address_is_no_token(client: TestClient) -> None:
    answer = client.post(f"/ingest/pump plc?token={PUSH_TOKEN}", content=A_SECOND)
    assert answer.status_code == 401


def test_a_source_whose_ear_is_not_there_is_said_to_be_so(
    pump: TestClient, station: MadeUpStation
) -> None:
    station.plant.inboxes.clear()
    assert pump.post("/ingest/pump plc", content=A_SECOND).status_code == 503


@pytest.fixture
def served(app: FastAPI) -> Iterator[Served]:
    with serving(app) as served:
        yield served


def connected(
    served: Served, headers: dict[str, str] | None = None, source: str = "pump%20plc"
) -> websockets.sync.client.ClientConnection:
    return websockets.sync.client.connect(
        f"ws://127.0.0.1:{served.port}/ingest/{source}",
        additional_headers=HEADERS if headers is None else headers,
        open_timeout=10,
        close_timeout=10,
    )


def test_a_websocket_takes_samples_until_there_is_no_room(
    served: Served, inbox: MadeUpInbox
) -> None:
    inbox.room = 3 * len(A_SECOND)
    with connected(served) as socket:
        for _ in range(4):
            socket.send(A_SECOND)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert "again" in closed.value.rcvd.reason
    assert len(inbox.taken) == 3 * len(A_SECOND)


def test_half_a_sample_waits_for_the_next_message_of_its_websocket_and_for_no_other(
    served: Served, pump: TestClient, inbox: MadeUpInbox
) -> None:
    with connected(served) as socket:
        socket.send(b"\1\1\2")
        until_taken(inbox, 2)
        assert pump.post("/ingest/pump plc", content=b"\7\7").status_code == 200
        socket.send(b"\2\3\3\4")
        until_taken(inbox, 8)
    with connected(served) as socket:
        socket.send(b"\5\5")
        until_taken(inbox, 10)
    assert bytes(inbox.taken) == b"\1\1\7\7\2\2\3\3\5\5"


def until_taken(inbox: MadeUpInbox, count: int) -> None:
    until = time.monotonic() + 10
    while len(inbox.taken) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(inbox.taken) == count


@pytest.mark.parametrize(
    ("message", "code"), [("text", 1003), (A_SECOND * 6, 1009), (bytes(MOST_BYTES + 1), 1009)]
)
def test_a_message_that_cannot_be_taken_closes_it(
    message: str | bytes, code: int, served: Served, inbox: MadeUpInbox
) -> None:
    with connected(served) as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    assert not inbox.taken


@pytest.mark.parametrize(
    ("headers", "source", "status"),
    [
        ({}, "pump%20plc", 401),
        ({"authorization": "Bearer wrong"}, "pump%20plc", 401),
        (HEADERS, "nothing", 404),
        ({**HEADERS, "origin": "https://evil.example"}, "pump%20plc", 403),
    ],
)
def test_a_websocket_that_may_not_is_refused_before_it_opens(
    headers: dict[str, str], source: str, status: int, served: Served
) -> None:
    with pytest.raises(InvalidStatus) as refused, connected(served, headers, source):
        pass
    assert refused.value.response.status_code == status
    assert "detail" in refused.value.response.body.decode()


def test_who_is_refused_is_said_once_in_words_until_it_may_push(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {"authorization": "Bearer wrong"}

    def refused(source: str) -> list[str]:
        caplog.clear()
        for _ in range(2):
            with pytest.raises(InvalidStatus), connected(served, wrong, source):
                pass
        return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]

    said = (
        "127.0.0.1 may not push samples to the source 'pump plc': Send the source's token in the "
        "header Authorization: Bearer. This is said once."
    )
    assert refused("pump%20plc") == [said]
    assert refused("pump%20plc") == []
    assert refused("a") + refused("b") == [
        said.replace("the source 'pump plc'", "a source that is none")
    ]
    with connected(served):
        pass
    assert refused("pump%20plc") == [said]


def test_no_other_address_is_a_websocket(served: Served) -> None:
    address = f"ws://127.0.0.1:{served.port}/events"
    with (
        pytest.raises(InvalidStatus) as refused,
        websockets.sync.client.connect(address, open_timeout=10),
    ):
        pass
    assert refused.value.response.status_code in (403, 404)


@pytest.mark.parametrize("path", ["/ingest/pump%20plc", "/login"])
def test_who_goes_away_in_the_middle_of_a_body_leaves_no_trace(
    path: str, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with served.connect() as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {PUSH_TOKEN}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 1000\r\n\r\nname=ann".encode()
        )
        time.sleep(0.2)
    served.server.stop()  # which waits for what goes on
    assert not served.server.is_serving
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_machine_that_is_taken_up_meanwhile_is_known_all_the_same(
    station: MadeUpStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = station.context.file.machine[1]
    fan = pump.model_copy(update={"name": "fan"})
    recorded: list[Machine] = [fan]
    watched: list[Machine] = []

    def seen(machines: list[Machine]) -> list[Machine]:
        found = machines.copy()
        watched[:], recorded[:] = [fan], []  # it is taken up as soon as one has looked
        return found

    monkeypatch.setattr(station.plant.enrolling, "machines", lambda: seen(recorded))
    monkeypatch.setattr(station.plant, "enrolled", lambda: seen(watched))
    assert "fan" in [machine.name for machine in station.context.machines]
