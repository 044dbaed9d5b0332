"""Writes docs/reference/station.md: every key, route, metric and table, from the code.

python docs/reference.py
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Column
from sqlalchemy.types import TypeEngine

from rattle.station import records
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.config.model import Plant, keys_of, table_in
from rattle.station.config.written import written_default
from rattle.station.events import Event, Hub
from rattle.station.health import Health, Kept, Writing
from rattle.station.store.database import open_database
from rattle.station.store.tables import Base
from rattle.station.web.access import is_open
from rattle.station.web.app import build_app
from rattle.station.web.context import Context
from rattle.station.web.metrics import Figures

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# How a table of keys is written in the file, where that is not [table].
TITLES = {
    "": "Top level",
    "tell": "[[tell]]",
    "machine": "[[machine]]",
    "machine.sources": "sources = [{ ... }] of a machine",
    "machine.sources.push": "push = { ... } of a source",
    "machine.sources.mqtt": "mqtt = { ... } of a source",
}
COLUMNS = {
    "Utc": "time",
    "Float32s": "numbers, 4 bytes each",
    "Float64s": "numbers, 8 bytes each",
    "LargeBinary": "bytes",
    "String": "text",
    "Text": "text",
    "JSON": "JSON",
    "Double": "number",
    "Integer": "whole number",
    "BigInteger": "whole number",
    "Boolean": "true or false",
}


def station() -> str:
    """Every key, route, metric and table of the station, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        context = _context(Path(folder))
        parts = [
            "# The station\n\nWritten by `make docs` from `src/rattle/station`; do not edit. How to"
            " begin: [from a microphone to a better detector](../tutorial/station.md). What happens"
            " inside: [how it works](../explanation/station.md).",
            _keys(),
            _routes(build_app(context)),
            _events(),
            _metrics(context),
            _tables(),
        ]
        context.database.close()
    return "\n\n".join(parts) + "\n"


def _keys() -> str:
    """One table of keys for every table of the file."""
    parts = [
        "## plant.toml\n\nPaths count from the file's folder. Any text may be `env:NAME`: it is"
        " then what that environment variable holds. `rattle station --init` writes a first file,"
        " `rattle station --check` says what is wrong with one."
    ]
    tables: dict[str, list[str]] = {"": []}
    for key, field in keys_of(Plant):
        table, _, name = key.rpartition(".")
        default = "required" if field.is_required() else written_default(field)
        inner = table_in(field.annotation)
        if inner is not None:
            tables[key] = []
        shown = default if default == "required" else f"`{default}`" if default else ""
        tables[table].append(f"| `{name}` | {_cell(field.description)} | {shown} |")
    for table, rows in tables.items():
        head = [f"### {TITLES.get(table, f'[{table}]')}", "", "| key | meaning | default |"]
        parts.append("\n".join([*head, "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _routes(app: FastAPI) -> str:
    """Every route, the pages first."""
    pages, others = [], []
    for route in iter_route_contexts(app.routes):
        if route.endpoint is None or route.path == "/api/openapi.json":
            continue
        methods = ", ".join(sorted(set(route.methods or ()) - {"HEAD"})) or "WebSocket"
        is_page = route.endpoint.__module__.startswith("rattle.station.web.pages.")
        row = f"| {methods} | `{route.path}` | {_first_line(route.endpoint)} | {_for(route)} |"
        (pages if is_page else others).append(row)
    head = ["", "| | path | what it does | for |", "|---|---|---|---|"]
    return "\n".join(
        [
            "## Routes",
            "",
            "`/api/openapi.json` describes parameters and answers of all but the pages. Where no"
            " account exists, whoever is at the station's own computer may do everything, and"
            " nobody else anything; where accounts exist, a page takes a login, a program a token"
            " of an account in the header `Authorization: Bearer TOKEN`"
            " (`rattle station-account PLANT NAME --token LABEL`).",
            "",
            "### Pages",
            *head,
            *pages,
            "",
            "### For programs",
            *head,
            *others,
        ]
    )


def _for(route: Any) -> str:
    needs = {getattr(each.dependency, "__name__", "") for each in route.dependencies or ()}
    if route.path.startswith("/ingest/"):
        return "the source's token"
    if is_open(route.path):
        return "anyone"
    if "_admin" in needs:
        return "admin"
    if "_worker" in needs:
        return "worker, admin"
    is_verdict = route.endpoint.__module__.endswith(".pages.verdicts")
    return "reviewer" if "_reviewer" in needs or is_verdict else "any account"


def _events() -> str:
    return (
        "## Events\n\n`/events` is a stream of server-sent events; `data` is JSON.\n\n"
        + _prose(inspect.getdoc(Event) or "").partition("\n\n")[2]
    )


def _metrics(context: Context) -> str:
    rows = []
    for family in Figures(context, workers=0).collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(family._labelnames)
        rows.append(f"| `{name}` | {family.type} | {labels} | {_cell(family.documentation)} |")
    head = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    return "\n".join(["## Metrics", "", "`/metrics`, as Prometheus reads it.", "", *head, *rows])


def _tables() -> str:
    parts = [
        "## Tables\n\nThe same in SQLite (`station.db` in the data folder) and PostgreSQL. Times"
        " are UTC, stored as microseconds since 1970; ids are ULIDs, which sort by time. Migrations"
        " run when the station starts."
    ]
    for mapper in sorted(Base.registry.mappers, key=lambda each: _order(each.class_)):
        table = mapper.local_table
        rows = [_column(column) for column in table.columns]
        text = _prose(inspect.getdoc(mapper.class_) or "")
        told = re.search(r"see `records\.(\w+)`", text)
        if told:
            text = (
                text.replace(f"; {told[0]}", "")
                + "\n\n"
                + _prose(inspect.getdoc(getattr(records, told[1])) or "")
            )
        head = ["| column | type | |", "|---|---|---|"]
        parts.append("\n".join([f"### {table.name}", "", text, "", *head, *rows]))
    return "\n\n".join(parts)


def _order(row: type) -> int:
    return inspect.getsourcelines(row)[1]


def _column(column: Column[Any]) -> str:
    notes = []
    if column.primary_key:
        notes.append("key")
    notes += [f"of `{each.column.table.name}`" for each in column.foreign_keys]
    if column.nullable:
        notes.append("may be empty")
    return f"| `{column.name}` | {_type(column.type)} | {', '.join(notes)} |"


def _type(of: TypeEngine[Any]) -> str:
    return COLUMNS[type(of).__name__]


def _prose(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str | None) -> str:
    return " ".join(_prose(text or "").split()).replace("|", "\\|")


def _first_line(endpoint: Any) -> str:
    return _cell((inspect.getdoc(endpoint) or "").partition("\n\n")[0])


@dataclass
class _Idle:
    """A plant that does nothing: the docs want to know what there is, not how it is."""

    node: str = ""

    def reviewed(self, incident_ids: Sequence[str]) -> None: ...

    def set_running(self, machine_id: str, running: bool) -> None: ...

    def inbox(self, source_name: str) -> None: ...

    def health(self) -> Health:
        return Health(NOW, Writing(), Kept())


def _context(folder: Path) -> Context:
    plant = Plant.model_validate(
        {
            "plant": "docs",
            "data": folder,
            "machine": [
                {"name": "m", "bundle": "m.rattle", "sources": [{"name": "s", "device": ""}]}
            ],
        }
    )
    board = Board()
    source = SourceNow("s", "s", "m", "device", "")
    board.add(MachineNow("m", "m", 1.0, "always", "r", (source,)))
    database = open_database("sqlite", folder)
    idle = _Idle()
    return Context(plant, database, board, Hub(), idle, idle, lambda: NOW)
