"""Say to other programs whether the station is alive, and whether it does its work."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from rattle.errors import StorageError
from rattle.station.web.access import Given
from rattle.station.web.context import Context

router = APIRouter(tags=["probes"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field("alive", description="Always the same word.")


class Ready(BaseModel):
    """Whether the station does its work."""

    database: bool = Field(description="Whether the database answers.")
    live_sources: Annotated[int, Field(ge=0)] = Field(
        description="How many sources are heard at this moment."
    )


@router.get("/healthz")
async def alive() -> Alive:
    """Say that the process is alive, whatever else is away."""
    return Alive()


@router.get(
    "/readyz",
    responses={
        503: {"model": Ready, "description": "The database is away, or no source is heard."}
    },
)
def ready(response: Response, context: Given) -> Ready:
    """Say whether the database answers and at least one source is heard."""
    sources = context.board.sources().values()
    state = Ready(
        database=_answers(context),
        live_sources=sum(source.state in ("live", "unfit") for source in sources),
    )
    if not (state.database and state.live_sources):
        response.status_code = 503
    return state


def _answers(context: Context) -> bool:
    try:
        with context.database.reading() as session:
            session.execute(text("SELECT 1"))
    except StorageError:
        return False
    return True
