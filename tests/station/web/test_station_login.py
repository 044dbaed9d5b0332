"""Logging in and out, and what a session is good for."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from asked import PASSWORD, Asking, add_accounts
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

from rattle.station.store.credentials import Credentials
from rattle.station.store.reading.accounts import audit
from rattle.station.web.app import build_app
from rattle.station.web.sessions import COOKIE, begin, session_key


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(station: MadeUpStation) -> Clock:
    return Clock(station.context.now())


@pytest.fixture
def app(station: MadeUpStation, clock: Clock) -> FastAPI:
    return build_app(replace(station.context, now=clock))


def log_in(client: TestClient, name: str = "viewer", says: str = PASSWORD) -> int:
    return client.post("/login", data={"name": name, "password": says}).status_code


def is_in(client: TestClient) -> bool:
    return client.get("/api/v1/machines").status_code == 200


def test_who_knows_the_password_is_in(tokens: dict[str, str], asking: Asking) -> None:
    client = asking()
    answer = client.post("/login", data={"name": "viewer", "password": PASSWORD, "next": "/review"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    assert is_in(client)


@pytest.mark.parametrize(
    ("name", "password"), [("viewer", "another one"), ("nobody", PASSWORD), ("", "")]
)
def test_who_does_not_is_shown_the_form_again(
    name: str, password: str, tokens: dict[str, str], asking: Asking
) -> None:
    client = asking(accept="text/html")
    answer = client.post("/login", data={"name": name, "password": password, "next": "/review"})
    assert answer.status_code in (401, 422)
    assert COOKIE not in client.cookies
    assert not is_in(client)


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\r\nb: c"]
)
def test_a_login_leads_to_no_other_site(to: str, tokens: dict[str, str], asking: Asking) -> None:
    answer = asking().post("/login", data={"name": "viewer", "password": PASSWORD, "next": to})
    assert answer.headers["location"] == "/"


def test_the_cookie_is_for_this_site_and_for_no_script(
    tokens: dict[str, str], asking: Asking
) -> None:
    answer = asking().post("/login", data={"name": "viewer", "password": PASSWORD})
    said = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/", f"max-age={14 * 24 * 3600}"):
        assert part in said
    assert "secure" not in said


def test_the_cookie_is_secure_where_people_come_by_https(station: MadeUpStation) -> None:
    add_accounts(station)
    web = station.context.file.web.model_copy(update={"address": "https://rattle.plant.example"})
    file = station.context.file.model_copy(update={"web": web})
    app = build_app(replace(station.context, file=file))
    with TestClient(app, base_url="https://rattle.plant.example", follow_redirects=False) as client:
        answer = client.post("/login", data={"name": "viewer", "password": PASSWORD})
        assert "secure" in answer.headers["set-cookie"].lower()


def test_a_session_from_before_the_login_is_not_the_one_after_it(
    tokens: dict[str, str], asking: Asking
) -> None:
    attacker, victim = asking(), asking()
    log_in(attacker, "viewer")
    planted = attacker.cookies[COOKIE]
    victim.cookies.set(COOKIE, planted)
    log_in(victim, "admin")
    assert victim.cookies.get(COOKIE, domain="127.0.0.1") != planted
    reused = asking(cookie=f"{COOKIE}={planted}")
    assert is_in(reused)
    assert reused.get("/dump").status_code == 403  # it is the attacker's own session still
    log_in(attacker, "viewer")
    assert attacker.cookies[COOKIE] != planted


def test_nothing_of_a_session_before_the_login_stays(
    station: MadeUpStation, tokens: dict[str, str]
) -> None:
    session: dict[str, object] = {"planted": "by someone else", "id": "known"}
    with station.context.database.reading() as reading:
        begin(reading, session, "viewer", station.context.now())
    assert "planted" not in session
    assert session["id"] != "known"
    assert session["who"] == "viewer"


def test_a_copied_cookie_is_good_for_nothing_after_the_logout(
    tokens: dict[str, str], asking: Asking
) -> None:
    client = asking()
    log_in(client)
    copied = asking(cookie=f"{COOKIE}={client.cookies[COOKIE]}")
    other = asking()
    log_in(other)
    assert is_in(copied)
    assert client.post("/logout").status_code == 303
    assert not is_in(client)
    assert not is_in(copied)
    assert is_in(other), "another session of that account goes on"


def test_a_session_ends_after_fourteen_days(
    tokens: dict[str, str], asking: Asking, clock: Clock
) -> None:
    client = asking()
    log_in(client)
    clock.now += timedelta(days=13, hours=23)
    assert is_in(client)
    clock.now += timedelta(hours=2)
    assert not is_in(client)


def test_a_new_password_and_a_removed_account_end_the_sessions(
    station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    credentials = Credentials(station.context.database)
    at = station.context.now()
    viewer, reviewer = asking(), asking()
    log_in(viewer, "viewer")
    log_in(reviewer, "reviewer")
    credentials.set_password("viewer", "another password", who="admin", at=at)
    credentials.remove_account("reviewer", who="admin", at=at)
    assert not is_in(viewer)
    assert not is_in(reviewer)
    token = asking(authorization=f"Bearer {tokens['reviewer']}")
    assert not is_in(token)


def test_a_cookie_of_another_station_is_no_session(tokens: dict[str, str], asking: Asking) -> None:
    client = asking()
    log_in(client)
    cookie = client.cookies[COOKIE]
    forged = asking(cookie=f"{COOKIE}={cookie[:-3]}AAA")
    assert not is_in(forged)
    assert not is_in(asking(cookie=f"{COOKIE}={quote('nonsense')}"))


def test_many_wrong_passwords_make_a_name_wait_and_then_it_may_again(
    tokens: dict[str, str], asking: Asking, clock: Clock
) -> None:
    client = asking()
    assert [log_in(client, says="wrong") for _ in range(6)] == [401] * 6
    answer = client.post("/login", data={"name": "viewer", "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    clock.now += timedelta(seconds=1)
    assert log_in(client, says="wrong") == 401
    clock.now += timedelta(seconds=1)
    assert log_in(client) == 429, "each failure doubles the wait"
    clock.now += timedelta(seconds=1)
    assert log_in(client) == 303
    assert log_in(client, says="wrong") == 401, "a right one starts the count anew"


def test_an_address_that_tries_many_names_waits_and_others_do_not(
    tokens: dict[str, str], asking: Asking
) -> None:
    client = asking()
    tried = [log_in(client, name=f"name{number}", says="wrong") for number in range(22)]
    assert tried == [401] * 21 + [429]
    assert log_in(asking("127.0.0.2")) == 303


def test_logins_are_noted_with_their_address_and_no_password(
    station: MadeUpStation, tokens: dict[str, str], asking: Asking
) -> None:
    client = asking()
    log_in(client, says="not the password")
    log_in(client)
    client.post("/logout")
    with station.context.database.reading() as session:
        rows = audit(session)
    said = [(each.who, each.what) for each in rows[:3]]
    assert said == [
        ("viewer", "logged out"),
        ("viewer", "logged in"),
        ("viewer", "gave a wrong password"),
    ]
    assert rows[1].detail == {"address": "127.0.0.1"}
    assert "not the password" not in str(rows)


def test_the_key_is_kept_and_read_by_its_owner_alone(station: MadeUpStation) -> None:
    folder = station.context.file.data / "new"
    key = session_key(folder)
    assert session_key(folder) == key
    assert len(key) >= 32
    assert stat.S_IMODE((folder / "session.key").stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == ["session.key"]
