"""Pages say how much is kept of the machines' normal sound."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

from fastapi.testclient import TestClient
from made_up_station import MadeUpStation

from html_page import HtmlPage


def said(client: TestClient, path: str) -> str:
    return HtmlPage(client.get(path).text).said


def links(client: TestClient, path: str) -> set[str]:
    page = HtmlPage(client.get(path).text)
    return {str(each["href"]) for each in page.all("a") if "normal-sound" in str(each["href"])}


def test_a_machine_says_how_much_there_is_of_all_its_sources(
    client: TestClient, station: MadeUpStation
) -> None:
    page = "/machines/press-3?source=press cam"
    assert "Of its normal sound 3 pieces of 10 s are kept to learn from, since" in said(
        client, page
    )
    [newest] = links(client, page)
    assert newest == f"/normal-sound/{station.sources['press cam']}.flac"
    assert client.get(newest).status_code == 200
    other = "/machines/press-3?source=press mic"
    assert "3 pieces of 10 s are kept" in said(client, other)
    assert links(client, other) == set()


def test_where_none_is_kept_it_says_why(client: TestClient, station: MadeUpStation) -> None:
    shutil.rmtree(station.context.file.data / "kept")
    page = "/machines/pump 7"
    assert "None of its normal sound is kept yet." in said(client, page)
    keep = station.context.file.keep.model_validate({"sound": "none"})
    file = station.context.file.model_copy(update={"keep": keep})
    client.app.state.context = replace(station.context, file=file)  # type: ignore[attr-defined]
    assert "None of its normal sound is kept: plant.toml says so" in said(client, page)


def test_the_health_page_says_how_much_it_takes(client: TestClient, station: MadeUpStation) -> None:
    text = said(client, "/health")
    assert "861.0 MB" in text
    assert "4310 pieces since" in text.replace(",", "")
    assert "normal sound refused" not in text
    state = station.plant.state
    writing = replace(state.writing, refused_normal=2, speech_normal=7)
    station.plant.state = replace(state, writing=writing)
    assert re.search(r"normal sound refused *2", said(client, "/health"))
    assert re.search(r"of it with speech *7", said(client, "/health"))
