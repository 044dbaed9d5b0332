"""The real server: where it may be reached, and clients that are slow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from asked import add_accounts
from fastapi import FastAPI
from made_up_station import MadeUpStation, plant_file
from served import Served, serving
from starlette.exceptions import HTTPException
from starlette.types import Message

from rattle.errors import DataError
from rattle.station.store.reading.accounts import audit
from rattle.station.web import guard, server
from rattle.station.web.app import build_app
from rattle.station.web.server import Server


@pytest.fixture
def served(app: FastAPI) -> Iterator[Served]:
    with serving(app) as served:
        yield served


def app_bound_to(station: MadeUpStation, **web: object) -> FastAPI:
    file = plant_file(station.context.file.data, **web)
    return build_app(replace(station.context, file=file))


def test_it_serves_and_stops_and_serves_again(app: FastAPI) -> None:
    for _ in range(2):
        app.state.streams.is_stopping = False
        with serving(app) as served:
            answer = httpx.get(f"{served.address}/healthz")
            assert answer.json() == {"status": "alive"}
            assert "server" not in answer.headers
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{served.address}/healthz")


@pytest.mark.parametrize(
    "web",
    [
        {"bind": "0.0.0.0:8765"},
        {"bind": "[::]:8765"},
        {"bind": "192.168.1.7:8765"},
        {"bind": "hall.example:8765"},
        {"bind": "127.0.0.1:8765", "address": "https://hall.example"},
    ],
)
def test_a_page_that_others_reach_needs_an_account_first(
    web: dict[str, str], station: MadeUpStation
) -> None:
    app = app_bound_to(station, **web)
    with pytest.raises(DataError, match="no account exists") as refused:
        Server(app)
    assert "--" not in str(refused.value)
    add_accounts(station)
    Server(app)


@pytest.mark.parametrize("bind", ["127.0.0.1:8765", "[::1]:8765", "localhost:8765"])
def test_a_page_for_this_computer_needs_none(bind: str, station: MadeUpStation) -> None:
    Server(app_bound_to(station, bind=bind))


def test_a_port_that_is_taken_is_said_to_be(station: MadeUpStation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DataError, match=f"bind {bind}: cannot be bound") as refused:
            Server(app_bound_to(station, bind=bind)).start()
        assert "Errno" not in str(refused.value)


def test_for_all_addresses_it_names_one_that_others_can_type(station: MadeUpStation) -> None:
    add_accounts(station)
    server = Server(app_bound_to(station, bind="0.0.0.0:0"))
    address = server.start()
    server.stop()
    assert urlsplit(address).hostname == socket.gethostname().lower()


def test_an_address_that_is_none_is_said_to_be(station: MadeUpStation) -> None:
    bind = "no-such-host.invalid:80"
    add_accounts(station)
    with pytest.raises(DataError, match="bind"):
        Server(app_bound_to(station, bind=bind)).start()


def is_closed_by_the_server(connection: socket.socket) -> bool:
    """Tell whether the other side closes it, within what the socket waits."""
    connection.settimeout(10)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "]
)
def test_who_never_ends_the_headers_is_let_go(
    sent: bytes, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEADERS_WITHIN_S", 0.3)
    with serving(app) as served, served.connect() as connection:
        connection.sendall(sent)
        assert is_closed_by_the_server(connection)
        assert httpx.get(f"{served.address}/healthz").status_code == 200


def test_who_sends_headers_letter_by_letter_is_let_go(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEADERS_WITHIN_S", 0.5)
    with serving(app) as served, served.connect(0.05) as connection:
        letters = 0
        with contextlib.suppress(ConnectionError):
            while letters < 10_000:
                connection.sendall(b"x")
                letters += 1
                with contextlib.suppress(TimeoutError):
                    if connection.recv(100) == b"":
                        break
        assert 0 < letters < 10_000


def test_a_second_request_on_a_connection_has_to_come_whole_too(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEADERS_WITHIN_S", 0.5)
    monkeypatch.setattr(server, "IDLE_S", 60)
    with serving(app) as served, served.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while b"alive" not in answer:
            answer += connection.recv(65_536)
        connection.sendall(b"GET /heal")
        assert is_closed_by_the_server(connection)


def test_who_never_ends_a_body_is_let_go(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_WITHIN_S", 0.3)
    with serving(app) as served, served.connect() as connection:
        connection.sendall(
            b"POST /api/v1/reviews HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        assert b" 408 " in connection.recv(65_536)
        assert is_closed_by_the_server(connection)
        assert httpx.get(f"{served.address}/healthz").status_code == 200


@pytest.mark.parametrize(("size", "is_taken"), [(64 * 1024, True), (1, False)])
def test_a_large_body_may_take_as_long_as_a_slow_line_does(
    size: int, is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BODY_WITHIN_S", 0.3)
    left = 4

    async def receive() -> Message:
        nonlocal left
        await asyncio.sleep(0.2)
        left -= 1
        return {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

    async def receive_all() -> None:
        patient = guard.Patient(receive)
        while (await patient())["more_body"]:
            pass

    with contextlib.nullcontext() if is_taken else pytest.raises(HTTPException, match="408"):
        asyncio.run(receive_all())
    assert (left == 0) == is_taken


def test_who_never_reads_an_answer_is_let_go(
    station: MadeUpStation, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_WITHIN_S", 0.3)
    asked = f"GET /clips/{station.clips['fault']}.flac HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with serving(app) as served, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", served.port))
        # More answers than the system holds for someone who does not read.
        connection.sendall(asked.encode() * 40)
        state = served.server._server
        assert state is not None
        for _ in range(200):
            time.sleep(0.05)
            if not (state.server_state.connections or state.server_state.tasks):
                break
        assert not state.server_state.connections
        assert not state.server_state.tasks


def test_headers_without_end_are_refused(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 200_000)
        assert is_closed_by_the_server(connection)


@pytest.mark.parametrize(
    "asked",
    [
        "GET /healthz HTTP/1.1\r\nX-Long: LONG\r\n",
        "GET /healthz?LONG HTTP/1.1\r\n",
        "GET /ingest/pump%20plc HTTP/1.1\r\nX-Long: LONG\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    ],
)
@pytest.mark.parametrize("size", [33_000, 60_000])
def test_headers_that_come_at_once_are_no_longer_either(
    asked: str, size: int, served: Served
) -> None:
    with served.connect() as connection:
        # They may come in two pieces all the same, and then the server itself has enough of them.
        long = asked.replace("LONG", "x" * size)
        connection.sendall(f"{long}Host: 127.0.0.1\r\n\r\n".encode())
        assert connection.recv(65_536).startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert_no_connection(served)


def assert_no_connection(served: Served) -> None:
    assert served.server._server is not None
    state, until = served.server._server.server_state, time.monotonic() + 10
    while state.connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not state.connections


def test_headers_as_long_as_may_be_are_taken(served: Served) -> None:
    with served.connect() as connection:
        asked = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: {'x' * 32_000}\r\n\r\n"
        connection.sendall(asked.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_body_larger_than_is_taken_is_refused_before_it_is_read(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(
            b"POST /api/v1/reviews HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"
        )
        assert b" 413 " in connection.recv(65_536)


@pytest.mark.parametrize(
    ("trusted", "client"), [((), "127.0.0.1"), (("127.0.0.1",), "203.0.113.9")]
)
def test_a_proxy_is_believed_where_the_file_names_it(
    trusted: tuple[str, ...], client: str, station: MadeUpStation
) -> None:
    add_accounts(station)
    app = app_bound_to(station, bind="127.0.0.1:0", trusted_proxies=trusted)
    with serving(app) as served:
        sent = {"name": "viewer", "password": "wrong"}
        headers = {"x-forwarded-for": "203.0.113.9"}
        httpx.post(f"{served.address}/login", data=sent, headers=headers)
    with station.context.database.reading() as session:
        assert audit(session, 1)[0].detail == {"address": client}


def test_head_is_answered_as_get_is_without_the_body(served: Served) -> None:
    # On one connection: an answer with a body would be taken for the next answer's head.
    with httpx.Client(base_url=served.address, headers={"accept": "text/html"}) as client:
        for path in ("/healthz", "/readyz", "/", "/metrics", "/static/station.css", "/nothing"):
            of_get, of_head = client.get(path), client.head(path)
            assert (of_head.status_code, of_head.content) == (of_get.status_code, b""), path
            assert of_head.headers["content-type"] == of_get.headers["content-type"]
        assert client.head("/review/bulk").status_code == 405
        # The answer to a GET would never end.
        assert client.head("/events").status_code == 405
