"""What is given to find a fault, without a secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from made_up_station import CAMERA_URL, DATABASE_SECRET, PUSH_TOKEN, TELL_SECRETS, MadeUpStation

from rattle.listening.address import OUT
from rattle.station.config.model import Plant
from rattle.station.config.secret_parts import secrets_of, without
from rattle.station.store.audit import note


def test_it_holds_what_helps(station: MadeUpStation, client: TestClient) -> None:
    answer = client.get("/dump")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="rattle-20260320T143020Z.json"'
    )
    told = answer.json()
    assert told["versions"]["database"] == "sqlite"
    assert told["configuration"]["plant"] == "hall-3"
    assert told["health"]["writing"]["written"] == 120_345
    assert [each["name"] for each in told["machines"]] == ["press-3", "pump 7", "fan-1"]


def test_it_holds_the_last_two_hundred_things_done(
    station: MadeUpStation, client: TestClient
) -> None:
    at = station.context.now()
    with station.context.database.writing() as session:
        for number in range(250):
            note(session, at, "ada", "did", number=number)
    done = client.get("/dump").json()["audit"]
    assert [each["detail"]["number"] for each in done] == list(range(249, 49, -1))


def test_no_secret_is_in_it_wherever_it_was_said(
    station: MadeUpStation, tokens: dict[str, str], client: TestClient
) -> None:
    station.context.board.set_source(
        station.sources["press cam"], reason=f"ffmpeg: {CAMERA_URL}: 401, password s3cretpassword"
    )
    headers = {"authorization": f"Bearer {tokens['admin']}"}
    text = client.get("/dump", headers=headers).text
    for secret in (
        *TELL_SECRETS,
        CAMERA_URL,
        "s3cretpassword",
        "abcdefgh",
        PUSH_TOKEN,
        DATABASE_SECRET,
        "hunter2hunter2",
        (station.context.file.data / "session.key").read_text(),
        *tokens.values(),
        "argon2",
    ):
        assert secret not in text
    assert "ffmpeg: " in text
    assert OUT in text


# Long enough to be no word of the dump's own; written in an address by percents where need be.
SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="*"),
    min_size=12,
    max_size=40,
).filter(lambda text: text.isprintable() and not text.startswith("env:"))


# What a header holds.
TOKEN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12).filter(
    lambda text: not text.startswith("env:") and "*" not in text
)


@given(token=TOKEN, password=SECRET, key=SECRET, words=st.lists(st.text(max_size=20), max_size=5))
def test_no_secret_of_any_configuration_is_in_it(
    token: str, password: str, key: str, words: list[str]
) -> None:
    written, written_key = quote(password, safe=""), quote(key, safe="")
    url = f"rtsp://user:{written}@10.0.0.1/live?key={written_key}"
    push = {"token": token}
    sources = [{"name": "cam", "url": url}, {"name": "p", "push": push}]
    file = Plant.model_validate(
        {
            "plant": "hall",
            "database": f"postgresql://rattle:{written}@db/plant",
            "machine": [{"name": "press", "bundle": "press.rattle", "sources": sources}],
        }
    )
    secrets = (token, url, password, written, key, written_key)
    told: dict[str, Any] = {
        "configuration": file.model_dump(mode="json"),
        "reasons": [f"{word}{secret}{word}" for word in words for secret in secrets],
        token: {"deep": [*secrets]},
    }
    said = "".join(_texts(without(told, secrets_of(file))))
    assert [secret for secret in secrets if secret in said] == []


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [str(value)]
