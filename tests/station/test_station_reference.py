"""The page of the station's keys, routes, metrics and tables leaves none out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from made_up_station import MadeUpStation
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from rattle.station.config.model import Plant
from rattle.station.store.tables import Base
from rattle.station.web.app import build_app

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "station.md").read_text("utf-8")


def cells_under(title: str) -> list[list[str]]:
    """The rows of the table under a title, each a list of cells."""
    (section,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line[1:-1].split(" | ")] for line in lines[1:]]


def rows(title: str) -> dict[str, list[str]]:
    """The rows of the table under a title, by their first cell."""
    return {cells[0]: cells for cells in cells_under(title)}


TITLES = {
    "Plant": "Top level",
    "Web": "[web]",
    "Keep": "[keep]",
    "Learn": "[learn]",
    "Machine": "[[machine]]",
    "Source": "sources = [{ ... }] of a machine",
    "Push": "push = { ... } of a source",
    "Samples": "mqtt = { ... } of a source",
    "Tell": "[[tell]]",
    "Mqtt": "[mqtt]",
}


def test_every_key_is_there_with_its_meaning() -> None:
    schema = Plant.model_json_schema()
    tables: dict[str, Any] = {"Plant": schema, **schema["$defs"]}
    assert tables.keys() == TITLES.keys()
    for name, table in tables.items():
        found = rows(TITLES[name])
        assert found.keys() == table["properties"].keys()
        required = {key for key, (_, _, default) in found.items() if default == "required"}
        assert required == set(table.get("required", ()))
        assert all(len(meaning) > 5 for _, meaning, _ in found.values())


def test_every_route_for_programs_is_there_with_what_it_does(station: MadeUpStation) -> None:
    described = build_app(station.context).openapi()["paths"]
    expected = {(method.upper(), path) for path, each in described.items() for method in each}
    found = cells_under("For programs")
    assert expected <= {(method, path) for method, path, _, _ in found}
    # Events and sockets are no part of the description.
    assert {path for _, path, _, _ in found} >= {"/events", "/ingest/{source}", "/metrics"}
    assert all(len(does) > 10 and who for _, _, does, who in found)


@pytest.mark.parametrize(
    "page",
    ["/", "/machines/press-3", "/incidents", "/review", "/health", "/settings", "/login"],
)
def test_every_page_is_there(page: str, station: MadeUpStation) -> None:
    with TestClient(build_app(station.context), client=("127.0.0.1", 5)) as client:
        assert client.get(page, headers={"host": "127.0.0.1:8765"}).status_code == 200
    assert re.sub("press-3", "{name}", page) in {path for _, path, _, _ in cells_under("Pages")}


def test_every_metric_is_there_with_its_meaning(station: MadeUpStation) -> None:
    with TestClient(build_app(station.context), client=("127.0.0.1", 5)) as client:
        answer = client.get("/metrics", headers={"host": "127.0.0.1:8765"})
    families = list(text_string_to_metric_families(answer.text))
    assert len(families) > 20
    names = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    found = rows("Metrics")
    assert found.keys() == names
    assert all(len(cells[3]) > 10 for cells in found.values())


def test_every_table_is_there_with_its_columns() -> None:
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        assert [*rows(str(table.name))] == [column.name for column in table.columns]
