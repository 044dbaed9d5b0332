"""Give all that helps to find what is wrong, in one file, without a secret."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, SecretStr
from starlette.responses import JSONResponse

from rattle.station.store.credentials import Account, Credentials
from rattle.station.store.reading.accounts import audit
from rattle.station.web.access import ADMIN, Given
from rattle.station.web.context import Context
from rattle.station.web.live import plain
from rattle.version import VERSION

router = APIRouter(tags=["health"])

LIBRARIES = ("fastapi", "numpy", "onnxruntime", "sqlalchemy", "starlette", "uvicorn")
OUT = "**********"
# Shorter ones are part of many words, and no secrets.
SHORTEST_SECRET = 4


@router.get("/dump", dependencies=[ADMIN], response_class=JSONResponse)
def dump(request: Request, context: Given) -> JSONResponse:
    """Give the configuration, the state of everything and what was done last, as one JSON file.

    Passwords, tokens and the secret parts of addresses are replaced by asterisks.
    """
    credentials: Credentials = request.app.state.credentials
    everything = all_of_it(context, credentials.accounts())
    told = without(everything, secrets_of(context.file))
    name = f"rattle-{context.now():%Y%m%dT%H%M%SZ}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return JSONResponse(told, headers=headers)


def all_of_it(context: Context, people: Sequence[Account]) -> dict[str, Any]:
    """Gather what the file holds, as JSON; secrets of the configuration are masked by its types."""
    with context.database.reading() as session:
        done = [dataclasses.asdict(each) for each in audit(session, 200)]
    told: dict[str, Any] = plain(
        {
            "at": context.now(),
            "versions": {
                "rattle": VERSION,
                "python": sys.version.split()[0],
                "system": platform.platform(),
                "database": context.database.engine.dialect.name,
                **{name: version(name) for name in LIBRARIES},
            },
            "configuration": context.file.model_dump(mode="json"),
            "health": dataclasses.asdict(context.station.health()),
            "machines": [dataclasses.asdict(each) for each in context.board.machines()],
            "accounts": [dataclasses.asdict(each) for each in people],
            "audit": done,
        }
    )
    return told


def secrets_of(table: BaseModel) -> set[str]:
    """Find every secret of the configuration, and those within its addresses."""
    found: set[str] = set()
    for secret in _secrets(table):
        found |= {secret, *_parts(secret)}
    return {each for each in found - {"sqlite"} if len(each) >= SHORTEST_SECRET}


def without(told: Any, secrets: set[str]) -> Any:
    """Replace the secrets wherever they stand: a program's last words may hold an address."""
    longest_first = sorted(secrets, key=len, reverse=True)

    def cleaned(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {cleaned(key): cleaned(each) for key, each in value.items()}
        if isinstance(value, list):
            return [cleaned(each) for each in value]
        if isinstance(value, str):
            for secret in longest_first:
                value = value.replace(secret, OUT)
        return value

    return cleaned(told)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets(each)


def _parts(address: str) -> set[str]:
    """The password of an address, written or meant, and what stands after its question mark."""
    try:
        split = urlsplit(address)
        password = split.password
    except ValueError:
        return set()
    values = {part.partition("=")[2] for part in split.query.split("&")}
    found = {split.query, *values, *(() if password is None else (password,))}
    return found | {unquote(each) for each in found}
