"""Settings show the whole file, and none of its secrets."""

from __future__ import annotations

from fastapi.testclient import TestClient
from made_up_station import CAMERA_URL, DATABASE_SECRET, PUSH_TOKEN, TELL_SECRETS, MadeUpStation

from rattle.station.config.model import Keep, Learn, Machine, Plant, Web
from rattle.station.config.told import Mqtt, Tell
from rattle.station.web.pages.settings import tables


def test_every_key_is_shown_with_what_it_means(client: TestClient) -> None:
    text = client.get("/settings").text
    for table in (Plant, Web, Keep, Learn, Machine, Tell, Mqtt):
        for key in table.model_fields:
            if key not in ("web", "keep", "learn", "tell", "mqtt", "machine", "name", "sources"):
                assert f">{key}</th>" in text, key
    for name in ("press-3", "press cam", "pump plc"):
        assert name in text


def test_no_secret_is_on_any_page(client: TestClient, station: MadeUpStation) -> None:
    pages = ["/settings", "/health", "/machines/press-3", "/machines/pump 7", "/"]
    text = "".join(client.get(path).text for path in pages)
    set_ = (*TELL_SECRETS, CAMERA_URL, DATABASE_SECRET, PUSH_TOKEN)
    for secret in (*set_, "s3cret", "hunter2", "abcdefgh"):
        assert secret not in text
    assert "rtsp://10.1.2.3/stream" in text


def test_what_the_file_does_not_say_is_marked_as_the_default(station: MadeUpStation) -> None:
    found = {
        setting.key: setting for table in tables(station.context.file) for setting in table.settings
    }
    assert (found["clips"].value, found["clips"].is_default) == ("20.0 GB", True)
    assert (found["bind"].value, found["bind"].is_default) == ("127.0.0.1:8765", False)
    assert found["embeddings"].value == "60 days"
    assert found["sound"].value == "30 days"
    assert found["database"].value == "set, not shown"
