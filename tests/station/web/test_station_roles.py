"""Who may do what, for every address there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from asked import BASE, Asking
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from made_up_station import PUSH_TOKEN, MadeUpStation, add_job
from starlette.routing import Mount, WebSocketRoute

EVERYONE, KNOWN, REVIEWERS, ADMINS = "everyone", "known", "reviewers", "admins"
WORKERS, KNOWN_OR_WORKERS = "workers", "known or workers"
MAY = {
    EVERYONE: ("nobody", "viewer", "reviewer", "admin", "worker"),
    WORKERS: ("worker", "admin"),
    KNOWN_OR_WORKERS: ("viewer", "reviewer", "admin", "worker"),
    KNOWN: ("viewer", "reviewer", "admin"),
    REVIEWERS: ("reviewer", "admin"),
    ADMINS: ("admin",),
}
# Who may, and what to send: form values, or JSON where the path is the API's.
ROUTES: dict[tuple[str, str], tuple[str, dict[str, object] | None]] = {
    ("GET", "/healthz"): (EVERYONE, None),
    ("GET", "/readyz"): (EVERYONE, None),
    ("GET", "/login"): (EVERYONE, None),
    ("POST", "/login"): (EVERYONE, {"name": "viewer", "password": "correct horse battery"}),
    ("POST", "/logout"): (EVERYONE, {}),
    ("GET", "/static/page.css"): (EVERYONE, None),
    ("GET", "/static"): (EVERYONE, None),
    ("GET", "/"): (KNOWN, None),
    ("GET", "/machines/{name}"): (KNOWN, None),
    ("GET", "/incidents"): (KNOWN, None),
    ("GET", "/incidents/{incident_id}"): (KNOWN, None),
    ("GET", "/review"): (KNOWN, None),
    ("GET", "/releases/{release_id}"): (KNOWN, None),
    ("POST", "/releases/{release_id}/promote"): (REVIEWERS, {"reason": "it is better"}),
    ("GET", "/enrol"): (KNOWN, None),
    ("POST", "/enrol"): (ADMINS, {"name": "saw", "kind": "url", "url": "rtsp://10.0.0.9/saw"}),
    ("GET", "/enrol/{id_}"): (KNOWN, None),
    ("POST", "/enrol/{id_}/{act}"): (ADMINS, {}),
    ("GET", "/reports"): (KNOWN, None),
    ("GET", "/reports/{week}"): (KNOWN, None),
    ("GET", "/jobs"): (KNOWN, None),
    ("GET", "/health"): (KNOWN, None),
    ("GET", "/settings"): (KNOWN, None),
    ("POST", "/health/test-notice"): (ADMINS, {"channel": "shift"}),
    ("POST", "/incidents/{incident_id}/review"): (REVIEWERS, {"verdict": "normal"}),
    ("POST", "/review/bulk"): (REVIEWERS, {"verdict": "normal", "ids": ["{incident_id}"]}),
    ("POST", "/reviews/{review_id}/undo"): (REVIEWERS, {}),
    ("GET", "/api/openapi.json"): (KNOWN, None),
    ("GET", "/api/v1/machines"): (KNOWN, None),
    ("GET", "/api/v1/machines/{machine}"): (KNOWN, None),
    ("GET", "/api/v1/machines/{machine}/timeline"): (KNOWN, None),
    ("GET", "/api/v1/machines/{machine}/thresholds"): (KNOWN, None),
    ("POST", "/api/v1/machines/{machine}/running"): (REVIEWERS, {"running": True}),
    ("GET", "/api/v1/incidents"): (KNOWN, None),
    ("GET", "/api/v1/incidents/{incident}"): (KNOWN, None),
    ("POST", "/api/v1/reviews"): (
        REVIEWERS,
        {"incidents": ["{incident_id}"], "verdict": "normal"},
    ),
    ("POST", "/api/v1/reviews/{review}/undo"): (REVIEWERS, {}),
    ("GET", "/api/v1/releases"): (KNOWN, None),
    ("GET", "/api/v1/releases/{release}"): (KNOWN, None),
    ("POST", "/api/v1/releases/{release}/promote"): (REVIEWERS, {"reason": "it is better"}),
    ("GET", "/api/v1/enrolments"): (KNOWN, None),
    ("POST", "/api/v1/enrolments"): (
        ADMINS,
        {"name": "saw", "source": {"name": "saw cam", "url": "rtsp://10.0.0.9/saw"}},
    ),
    ("GET", "/api/v1/enrolments/{enrolment}"): (KNOWN, None),
    ("POST", "/api/v1/enrolments/{enrolment}/{act}"): (ADMINS, {}),
    ("GET", "/api/v1/jobs"): (KNOWN_OR_WORKERS, None),
    ("GET", "/api/v1/jobs/{job}"): (KNOWN_OR_WORKERS, None),
    ("POST", "/api/v1/jobs/claim"): (WORKERS, {"worker": "hall-2:4711"}),
    ("GET", "/api/v1/jobs/{job}/material"): (WORKERS, None),
    ("GET", "/api/v1/jobs/{job}/files/{name}"): (WORKERS, None),
    ("POST", "/api/v1/jobs/{job}/progress"): (
        WORKERS,
        {"worker": "hall-2:4711", "progress": 0.5, "said": "training"},
    ),
    ("POST", "/api/v1/jobs/{job}/failed"): (
        WORKERS,
        {"worker": "hall-2:4711", "why": "no memory", "for_good": False},
    ),
    ("POST", "/api/v1/jobs/{job}/made"): (WORKERS, None),
    ("GET", "/api/v1/reports"): (KNOWN, None),
    ("GET", "/api/v1/reports/{week}"): (KNOWN, None),
    ("GET", "/api/v1/health"): (KNOWN, None),
    ("GET", "/clips/{sha256}.flac"): (KNOWN, None),
    ("GET", "/normal-sound/{source_id}.flac"): (KNOWN, None),
    ("GET", "/spectrograms/{sha256}.png"): (KNOWN, None),
    ("GET", "/metrics"): (KNOWN, None),
    ("GET", "/dump"): (ADMINS, None),
}
# These are no table's: the events never end, and a source has a token of its own.
ELSEWHERE = {("GET", "/events"), ("POST", "/ingest/{source}"), ("WS", "/ingest/{source}")}


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """All routes with their methods, those of included routers as well."""
    for context in iter_route_contexts(app.router.routes):
        route = context.original_route
        if isinstance(route, Mount):
            yield "GET", route.path
        elif isinstance(route, WebSocketRoute):
            yield "WS", context.path
        else:
            for method in sorted(set(context.methods) - {"HEAD"}):
                yield method, context.path


def test_every_route_has_an_entry(app: FastAPI) -> None:
    found = set(routes_of(app))
    assert found == {*ROUTES, *ELSEWHERE}


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES), ids=" ".join)
def test_each_role_may_do_what_the_table_says(
    method: str,
    path: str,
    station: MadeUpStation,
    tokens: dict[str, str],
    asking: Asking,
) -> None:
    allowed, body = ROUTES[method, path]
    with station.context.database.writing() as session:
        # A job ends with what the first of them says of it.
        jobs = {role: add_job(session, station, "running", "press-3") for role in MAY[EVERYONE]}
    for role in MAY[EVERYONE]:
        headers = {} if role == "nobody" else {"authorization": f"Bearer {tokens[role]}"}
        client = asking(**headers)
        # Each role has an incident and a review of its own, which the one before did not change.
        incident = list(station.incidents.values())[MAY[EVERYONE].index(role)]
        review = list(station.reviews.values())[max(MAY[EVERYONE].index(role) - 2, 0)]
        values = {
            "name": "base.rattle" if "/files/" in path else "press-3",
            "job": jobs[role],
            "machine": "pump 7",
            "incident_id": incident,
            "incident": incident,
            "review_id": review,
            "review": review,
            "sha256": station.clips["fault"],
            "source_id": station.sources["press cam"],
            "release_id": station.releases["pump 7"],
            "release": station.releases["pump 7"],
            "week": "2026-W12",
            "id_": station.enrolments["offered"],
            "enrolment": station.enrolments["offered"],
            "act": "record",
        }
        address = path.format(**values)
        if address == "/static":
            address = "/static/station.css"
        if path.endswith("/made"):
            address += "?worker=hall-2:4711"
        sent = _filled(body, incident)
        kind = "json" if path.startswith("/api") else "data"
        answer = client.request(method, address, **({} if sent is None else {kind: sent}))
        if role in MAY[allowed]:
            assert answer.status_code < 400, (role, answer.status_code, answer.text)
        else:
            assert answer.status_code == (401 if role == "nobody" else 403), (role, answer.text)
            assert station.clips["fault"] not in answer.text


def test_a_browser_is_sent_to_the_login_and_back(tokens: dict[str, str], asking: Asking) -> None:
    client = asking(accept="text/html,*/*")
    answer = client.get("/incidents?level=watch")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/incidents%3Flevel%3Dwatch"


@pytest.mark.parametrize("kind", ["clips", "spectrograms"])
def test_no_recording_comes_without_a_login(
    kind: str, station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    name = f"/{kind}/{station.clips['fault']}.{'flac' if kind == 'clips' else 'png'}"
    assert asking().get(name).status_code == 401
    assert asking(authorization="Bearer wrong").get(name).status_code == 401
    assert asking(authorization=f"Bearer {tokens['viewer']}").get(name).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../station.db",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/login/../dump",
        "//dump",
        "/healthz/../metrics",
        "/static/../../store/tables.py",
    ],
)
def test_no_spelling_of_an_open_path_opens_another(
    path: str, tokens: dict[str, str], app: FastAPI, asking: Asking
) -> None:
    answer = _raw(app, path)
    assert answer[0] in (303, 400, 401, 404), answer
    assert b"import" not in answer[1]
    assert b"versions" not in answer[1]


def test_an_unknown_address_tells_nobody_whether_it_exists(
    tokens: dict[str, str], asking: Asking
) -> None:
    assert asking().get("/nothing-here").status_code == 401
    assert (
        asking(authorization=f"Bearer {tokens['viewer']}").get("/nothing-here").status_code == 404
    )


def test_without_accounts_only_this_computer_is_served(asking: Asking) -> None:
    assert asking().get("/api/v1/machines").status_code == 200
    assert asking("::1").get("/api/v1/machines").status_code == 200
    answer = asking("192.168.1.20").get("/api/v1/machines")
    assert answer.status_code == 403
    assert "rattle station-account" in answer.json()["detail"]


def test_without_accounts_nobody_is_served_through_a_proxy(asking: Asking) -> None:
    assert asking(x_forwarded_for="203.0.113.9").get("/api/v1/machines").status_code == 403
    assert asking(forwarded="for=203.0.113.9").get("/api/v1/machines").status_code == 403


def test_an_error_page_before_the_login_tells_nothing_of_the_plant(
    station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    answer = asking(accept="text/html").get("/static/nothing.css")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]
    assert "/review" not in answer.text
    assert "nothing at this address" in answer.text


def test_a_source_may_be_pushed_by_its_own_token_alone(
    tokens: dict[str, str], asking: Asking
) -> None:
    for token, status in ((tokens["admin"], 401), (PUSH_TOKEN, 200)):
        client = asking(authorization=f"Bearer {token}")
        assert client.post("/ingest/pump plc", content=bytes(320)).status_code == status
    assert asking(authorization=f"Bearer {PUSH_TOKEN}").get("/api/v1/machines").status_code == 401


def _filled(body: dict[str, object] | None, incident: str) -> dict[str, object] | None:
    if body is None:
        return None
    return {name: [incident] if isinstance(value, list) else value for name, value in body.items()}


def _raw(app: FastAPI, path: str) -> tuple[int, bytes]:
    """Ask for a path as it is written: clients tidy it up."""
    sent: list[dict[str, object]] = []

    async def ask() -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", BASE.removeprefix("http://").encode())],
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 8765),
        }
        await app(scope, receive, send)  # type: ignore[arg-type]

    asyncio.run(ask())
    body = b"".join(bytes(each.get("body", b"")) for each in sent)  # type: ignore[call-overload]
    return int(str(sent[0]["status"])), body
