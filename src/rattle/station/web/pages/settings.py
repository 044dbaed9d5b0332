"""Show what ``plant.toml`` says, without secrets, and who may log in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, SecretStr

from rattle.pages.words import counted
from rattle.station.config.amounts import shown_bytes
from rattle.station.config.model import Keep, Plant, Source
from rattle.station.config.told import Mqtt, Tell
from rattle.station.store.credentials import Credentials
from rattle.station.web.pages.shell import context_of, may, shown

router = APIRouter()
HIDDEN = "set, not shown"


@dataclass(frozen=True)
class Setting:
    """A key of the file, its value in words, and what it means; ``is_default`` where it is not
    written there."""

    key: str
    value: str
    means: str
    is_default: bool


@dataclass(frozen=True)
class Table:
    """A table of the file with its keys."""

    name: str
    settings: list[Setting]


@router.get("/settings", response_class=HTMLResponse, include_in_schema=False)
def settings_page(request: Request) -> HTMLResponse:
    """Show the file's settings; admins see the accounts, too."""
    context = context_of(request)
    credentials: Credentials = request.app.state.credentials
    return shown(
        request,
        "settings",
        title="Settings",
        here="settings",
        tables=tables(context.file),
        people=credentials.accounts() if may(request, "admin") else [],
    )


def tables(plant: Plant) -> list[Table]:
    """List what the file says, table by table, machines last."""
    found = [
        Table(
            "Plant",
            list(_settings(plant, leave=("web", "keep", "learn", "tell", "mqtt", "machine"))),
        ),
        Table("Page", list(_settings(plant.web))),
        Table("What is kept", list(_settings(plant.keep))),
        Table("Learning", list(_settings(plant.learn))),
    ]
    found += [Table(f"Told: {tell.name}", list(_settings(tell, ("name",)))) for tell in plant.tell]
    if plant.mqtt is not None:
        found.append(Table("MQTT", list(_settings(plant.mqtt))))
    for machine in plant.machine:
        settings = list(_settings(machine, leave=("name", "sources")))
        settings += [setting for source in machine.sources for setting in _of_source(source)]
        found.append(Table(machine.name, settings))
    return found


def _settings(table: BaseModel, leave: Sequence[str] = ()) -> Iterator[Setting]:
    for key, field in type(table).model_fields.items():
        if key in leave:
            continue
        value = getattr(table, key)
        yield Setting(
            key, _said(table, key, value), field.description or "", _is_default(table, key)
        )


def _of_source(source: Source) -> Iterator[Setting]:
    """One line a source: what kind it is, and where its sound comes from."""
    means = type(source).model_fields[source.kind].description or ""
    yield Setting(f"source {source.name}", f"{source.kind}: {source.place}", means, False)


def _is_default(table: BaseModel, key: str) -> bool:
    return key not in table.model_fields_set


def _said(table: BaseModel, key: str, value: Any) -> str:
    if isinstance(table, Mqtt) and key == "url":
        return table.place
    if isinstance(table, Tell) and key == "url":
        return f"{table.kind}, {HIDDEN}"
    if isinstance(value, SecretStr):
        # The name of the built-in database is no secret, and tells which one is in use.
        return "sqlite" if value.get_secret_value() == "sqlite" else HIDDEN
    if isinstance(table, Keep) and key == "clips":
        return shown_bytes(value)
    if isinstance(value, timedelta):
        return counted(value.days, "day") if value else "none"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "not set" if value is None else str(value)
