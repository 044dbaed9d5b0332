"""What stands before every request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asked import Asking
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation
from sqlalchemy import create_engine
from sqlalchemy.exc import DataError
from starlette.datastructures import Headers

from rattle.errors import StorageError
from rattle.station.config.model import Web
from rattle.station.store.database import Database
from rattle.station.web.app import MOST_BYTES, build_app
from rattle.station.web.guard import HEADERS, Hosts

STATIC = ["/static/station.css", "/static/page.css"]
ANSWERS = ["/", "/healthz", "/nothing", "/api/v1/machines", "/login", *STATIC]


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_has_the_security_headers(path: str, client: TestClient) -> None:
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["content-security-policy"]
    kept = "no-cache" if path in STATIC else "no-store"
    assert answer.headers["cache-control"] == kept


def test_a_fault_of_ours_has_them_too_and_shows_no_trace(
    station: MadeUpStation, app: FastAPI, asking: Asking
) -> None:
    def broken() -> None:
        raise RuntimeError("the secret of the fault")

    station.plant.health = broken  # type: ignore[method-assign,assignment]
    for accept in ("text/html", "application/json"):
        answer = asking(accept=accept).get("/api/v1/health")
        assert answer.status_code == 500
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert "secret of the fault" not in answer.text
        assert "Traceback" not in answer.text


def test_what_the_database_cannot_store_is_refused(
    station: MadeUpStation, client: TestClient
) -> None:
    def broken() -> None:
        raise DataError("INSERT", {}, ValueError("a text with a zero byte"))

    station.plant.health = broken  # type: ignore[method-assign,assignment]
    answer = client.get("/api/v1/health")
    assert answer.status_code == 422
    assert "can store" in answer.json()["detail"]


def test_a_request_under_another_name_is_refused(asking: Asking) -> None:
    for base in ("http://evil.example", "http://127.0.0.1.evil.example:8765", "http://10.0.0.1"):
        answer = asking(base=base).get("/healthz")
        assert answer.status_code == 421
        assert "address under [web]" in answer.json()["detail"]
    for base in ("http://localhost:8765", "http://[::1]:8765", "http://127.0.0.1"):
        assert asking(base=base).get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("bind", "address", "host", "is_served"),
    [
        ("0.0.0.0:80", None, "192.168.1.7", True),
        ("0.0.0.0:80", None, "evil.example", False),
        ("[::]:80", None, "[fe80::1]:80", True),
        ("192.168.1.7:80", None, "192.168.1.7:80", True),
        ("192.168.1.7:80", None, "192.168.1.8:80", False),
        ("127.0.0.1:80", "https://hall.example", "hall.example", True),
        ("127.0.0.1:80", "https://hall.example", "HALL.example:443", True),
        ("127.0.0.1:80", None, "[", False),
        ("127.0.0.1:80", None, "", False),
    ],
)
def test_the_names_follow_from_the_file(
    bind: str, address: str | None, host: str, is_served: bool
) -> None:
    refused = Hosts(Web(bind=bind, address=address)).refuse(Headers({"host": host}))
    assert (refused is None) is is_served


FROM_ELSEWHERE = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"origin": "http://127.0.0.1:8765", "sec_fetch_site": "cross-site"},
]
FROM_HERE: list[dict[str, str]] = [
    {},
    {"origin": "http://127.0.0.1:8765"},
    {"origin": "http://127.0.0.1:8765", "sec_fetch_site": "same-origin"},
    {"sec_fetch_site": "none"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
@pytest.mark.parametrize("path", ["/login", "/logout", "/api/v1/reviews", "/review/bulk"])
def test_a_page_of_another_site_changes_nothing(
    path: str, headers: dict[str, str], station: MadeUpStation, asking: Asking
) -> None:
    sent = {"incidents": [station.incidents["alarm"]], "verdict": "normal"}
    answer = asking(**headers).post(path, json=sent)
    assert answer.status_code == 403
    assert station.plant.told == []


@pytest.mark.parametrize("headers", FROM_HERE)
def test_our_own_page_and_programs_may(
    headers: dict[str, str], station: MadeUpStation, asking: Asking
) -> None:
    sent = {"incidents": [station.incidents["alarm"]], "verdict": "normal"}
    assert asking(**headers).post("/api/v1/reviews", json=sent).status_code == 201


def test_a_link_from_another_site_may_be_followed(asking: Asking) -> None:
    client = asking(sec_fetch_site="cross-site", origin="https://mail.example")
    assert client.get("/incidents").status_code == 200


def test_the_address_that_people_type_is_our_own(station: MadeUpStation) -> None:
    web = Web(bind="127.0.0.1:8765", address="https://hall.example")
    hosts = Hosts(web)
    headers = Headers({"host": "127.0.0.1:8765", "origin": "https://hall.example"})
    assert hosts.refuse_origin({"type": "http", "method": "POST"}, headers) is None
    other = Headers({"host": "127.0.0.1:8765", "origin": "http://hall.example"})
    assert hosts.refuse_origin({"type": "http", "method": "POST"}, other) is not None


def test_more_than_is_taken_is_refused_in_a_sentence(client: TestClient) -> None:
    for path in ("/api/v1/reviews", "/login", "/review/bulk"):
        answer = client.post(path, content=b"x" * (MOST_BYTES + 1))
        assert answer.status_code == 413
        assert "Send less" in answer.json()["detail"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_more_than_is_taken_is_refused_where_its_length_is_not_said(client: TestClient) -> None:
    pieces = (b"[" * 50_000 for _ in range(4))
    assert client.post("/api/v1/reviews", content=pieces).status_code == 413


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_where_the_database_is_away_pages_say_so_and_the_process_is_alive(
    station: MadeUpStation, accept: str
) -> None:
    class Away(Database):
        def reading(self):  # type: ignore[no-untyped-def]
            raise StorageError("the PostgreSQL database plant on db.example cannot be used")

        writing = reading

    away = replace(station.context, database=Away(create_engine("sqlite://")))
    client = TestClient(
        build_app(away),
        base_url="http://127.0.0.1:8765",
        client=("127.0.0.1", 1),
        headers={"accept": accept},
    )
    assert client.get("/healthz").status_code == 200
    assert client.get("/static/station.css").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    for path in ("/", "/api/v1/machines", "/events", "/metrics"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "still listened to" in answer.text
        assert "db.example" not in answer.text


def test_what_the_url_holds_beyond_the_described_is_not_ignored(client: TestClient) -> None:
    for path in ("/api/v1/incidents?levels=alarm", "/api/v1/machines/press-3/timeline?form=x"):
        answer = client.get(path)
        assert answer.status_code == 422
        assert "query.levels" in answer.text or "query.form" in answer.text
