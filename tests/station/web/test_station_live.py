"""What open pages are told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2 as httpx
import numpy as np
import pytest
from asked import PASSWORD
from fastapi import FastAPI
from made_up_station import MadeUpStation
from served import Served, serving

from rattle.station.events import MOST_WAITING, Event
from rattle.station.store.credentials import Credentials
from rattle.station.web import live, server
from rattle.station.web.live import plain

WITHIN_S = 20.0


@pytest.fixture
def served(app: FastAPI) -> Iterator[Served]:
    with serving(app) as served:
        yield served


class Page:
    """A page that is open: reads events until its stream ends."""

    def __init__(self, served: Served, headers: dict[str, str] | None = None) -> None:
        self._client = httpx.Client(base_url=served.address, timeout=WITHIN_S, headers=headers)
        self._stream = self._client.stream("GET", "/events")
        self.answer = self._stream.__enter__()
        self._lines = self.answer.iter_lines()

    def until_open(self) -> None:
        """Wait until it is told of changes."""
        while next(self._lines) != ": open":
            pass

    def events(self) -> Iterator[tuple[str, dict[str, object]]]:
        kind = ""
        until = time.monotonic() + 2 * WITHIN_S
        for line in self._lines:
            # A stream that should have ended sends comments for ever.
            assert time.monotonic() < until
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))

    def close(self) -> None:
        self._stream.__exit__(None, None, None)
        self._client.close()


def test_eight_pages_are_told_the_same(
    station: MadeUpStation, served: Served, app: FastAPI
) -> None:
    pages = [Page(served) for _ in range(8)]
    for page in pages:
        page.until_open()
    assert len(app.state.streams) == 8
    for number in range(5):
        station.context.hub.publish("incident", id="an id", number=number)
    told = []
    for page in pages:
        events = page.events()
        told.append([next(events) for _ in range(5)])
        page.close()
    expected = [("incident", {"id": "an id", "number": n}) for n in range(5)]
    assert told == [expected] * 8


def test_of_scores_the_newest_is_told(station: MadeUpStation, served: Served) -> None:
    page = Page(served)
    page.until_open()
    for number in range(100):
        station.context.hub.publish("score", source="press cam", score=float(number))
    scores = [0.0]
    for kind, data in page.events():
        assert kind == "score"
        scores.append(float(str(data["score"])))
        if scores[-1] == 99:
            break
    assert scores == sorted(scores)
    page.close()


def test_a_page_that_is_closed_is_told_no_more(
    station: MadeUpStation, served: Served, app: FastAPI
) -> None:
    closed, stays = Page(served), Page(served)
    closed.until_open()
    stays.until_open()
    closed.close()
    events = stays.events()
    for _ in range(200):
        station.context.hub.publish("score", score=1.0)
        next(events)
        if len(app.state.streams) == 1:
            break
    assert len(app.state.streams) == 1
    stays.close()


def test_a_page_that_was_behind_is_told_to_ask_anew(station: MadeUpStation, served: Served) -> None:
    page = Page(served)
    page.until_open()
    # More than wait for one page, at once.
    with station.context.hub._lock:
        subscription = next(iter(station.context.hub._subscriptions))
    wake, subscription._wake = subscription._wake, lambda: None
    for number in range(MOST_WAITING + 5):
        station.context.hub.publish("incident", number=number)
    wake()
    events = page.events()
    assert next(events) == ("resync", {})
    assert next(events)[1] == {"number": 5}
    page.close()


def test_streams_end_when_the_server_stops(app: FastAPI) -> None:
    with serving(app) as served:
        pages = [Page(served) for _ in range(3)]
        for page in pages:
            page.until_open()
        stopping = threading.Thread(target=served.server.stop)
        stopping.start()
        assert [list(page.events()) for page in pages] == [[], [], []]
        stopping.join(WITHIN_S)
        assert not served.server.is_serving
        for page in pages:
            page.close()


def test_a_stream_ends_with_its_session(
    station: MadeUpStation,
    served: Served,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "CHECKED_EVERY_S", 0.2)
    with httpx.Client(base_url=served.address, timeout=WITHIN_S) as client:
        client.post("/login", data={"name": "viewer", "password": PASSWORD})
        cookie = f"rattle={client.cookies['rattle']}"
        by_cookie = Page(served, {"cookie": cookie})
        by_token = Page(served, {"authorization": f"Bearer {tokens['reviewer']}"})
        by_cookie.until_open()
        by_token.until_open()
        client.post("/logout")
    assert list(by_cookie.events()) == []
    at = station.context.now()
    Credentials(station.context.database).remove_account("reviewer", who="admin", at=at)
    assert list(by_token.events()) == []
    by_cookie.close()
    by_token.close()


def test_nobody_is_told_without_a_login(tokens: dict[str, str], served: Served) -> None:
    assert httpx.get(f"{served.address}/events").status_code == 401


def test_one_page_too_many_is_told_to_come_back(
    served: Served, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    page = Page(served)
    page.until_open()
    answer = httpx.get(f"{served.address}/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    page.close()


def test_publishing_to_a_server_that_stopped_does_no_harm(
    station: MadeUpStation, app: FastAPI
) -> None:
    with serving(app) as served:
        page = Page(served)
        page.until_open()
        subscription = next(iter(station.context.hub._subscriptions))
    page.close()
    station.context.hub.publish("score", score=1.0)
    subscription.put(Event("score"))
    assert len(app.state.streams) == 0


def test_json_has_no_infinity_and_no_time() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    said = plain(
        {
            "y": float("-inf"),
            "score": np.float32(0.5),
            "at": at,
            "of": (np.int64(3), [float("nan")]),
            "is": True,
            "none": None,
        }
    )
    assert said == {
        "y": None,
        "score": 0.5,
        "at": "2026-01-01T00:00:00+00:00",
        "of": [3, [None]],
        "is": True,
        "none": None,
    }
    json.dumps(said, allow_nan=False)


def test_a_page_that_never_reads_is_let_go_without_a_word_in_the_log(
    station: MadeUpStation,
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(server, "READ_WITHIN_S", 0.3)
    monkeypatch.setattr(live, "GATHERED_S", 0.01)
    with serving(app) as served, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        hub, until = station.context.hub, time.monotonic() + WITHIN_S
        while not hub.pages_open and time.monotonic() < until:
            time.sleep(0.01)
        assert hub.pages_open == 1
        while hub.pages_open and time.monotonic() < until:
            hub.publish("plant", said="x" * 100_000)
            time.sleep(0.01)
        assert hub.pages_open == 0
    assert [record.getMessage() for record in caplog.records] == []
