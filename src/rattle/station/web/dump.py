"""Give all that helps to find what is wrong, in one file, without a secret."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from rattle.station.config.secret_parts import secrets_of, without
from rattle.station.store.credentials import Account, Credentials
from rattle.station.store.reading.accounts import audit
from rattle.station.web.access import ADMIN, Given
from rattle.station.web.context import Context
from rattle.station.web.live import plain
from rattle.version import VERSION

router = APIRouter(tags=["health"])

LIBRARIES = ("fastapi", "numpy", "onnxruntime", "sqlalchemy", "starlette", "uvicorn")


@router.get("/dump", dependencies=[ADMIN], response_class=JSONResponse)
def dump(request: Request, context: Given) -> JSONResponse:
    """Give the configuration, the state of everything and what was done last, as one JSON file.

    Passwords, tokens and the secret parts of addresses are replaced by asterisks.
    """
    credentials: Credentials = request.app.state.credentials
    everything = all_of_it(context, credentials.accounts())
    secrets = secrets_of(context.file).union(*map(secrets_of, context.machines))
    told = without(everything, secrets)
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
            "enrolments": [dataclasses.asdict(e.row) for e in context.station.enrolling.every()],
            "health": dataclasses.asdict(context.station.health()),
            "machines": [dataclasses.asdict(each) for each in context.board.machines()],
            "accounts": [dataclasses.asdict(each) for each in people],
            "audit": done,
        }
    )
    return told
