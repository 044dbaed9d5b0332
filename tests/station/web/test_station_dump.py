"""What is given to find a fault, without a secret."""

from __future__ import annotations

import json
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from made_up_station import CAMERA_URL, DATABASE_SECRET, PUSH_TOKEN, MadeUpStation

from rattle.station.config.model import Plant
from rattle.station.store.audit import note
from rattle.station.web.dump import OUT, secrets_of, without


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


# Long enough to be none, of what stands in addresses and what does not.
SECRET = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00*", exclude_categories=("Cs", "Cc")),
    min_size=12,
    max_size=40,
).filter(lambda text: text.strip() == text and not text.startswith("env:"))


@given(token=SECRET, password=SECRET, query=SECRET, words=st.lists(st.text(max_size=20), max_size=5))
def test_no_secret_of_any_configuration_is_in_it(
    token: str, password: str, query: str, words: list[str]
) -> None:
    url = f"rtsp://user:{password}@10.0.0.1/live?key={query}"
    file = Plant.model_validate(
        {
            "plant": "hall",
            "database": f"postgresql://rattle:{password}@db/plant",
            "machine": [
                {
                    "name": "press",
                    "bundle": "press.rattle",
                    "sources": [{"name": "cam", "url": url}, {"name": "p", "push": {"token": token}}],
                }
            ],
        }
    )
    told: dict[str, Any] = {
        "configuration": file.model_dump(mode="json"),
        "reason": [f"{word}{secret}{word}" for word in words for secret in (token, url)],
        token: {"deep": [password if "@" not in password else url]},
    }
    cleaned = without(told, secrets_of(file))
    said = "".join(_texts(cleaned))
    assert token not in said
    assert url not in said
    assert json.loads(json.dumps(cleaned)) == cleaned


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [str(value)]
