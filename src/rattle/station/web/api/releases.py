"""Give the bundles that are or were in use."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from rattle.station.store.reading.plant import releases
from rattle.station.web.access import Given
from rattle.station.web.api.answer import NOT_FOUND, USUAL, Answer
from rattle.station.web.api.machines import find_machine

router = APIRouter(tags=["releases"], responses=USUAL)


class Filter(BaseModel):
    """Which releases."""

    model_config = ConfigDict(extra="forbid")
    machine: str | None = Field(None, max_length=64, description="Id or name of a machine.")


class Release(Answer):
    """A bundle that is or was in use for a machine."""

    id: str = Field(description="Its id.")
    machine_id: str = Field(description="Whose it is.")
    identity: str = Field(description="Identity of the bundle.")
    encoder: str = Field(description="Hash of its encoder; only embeddings of one are compared.")
    parent_id: str | None = Field(description="The release that it was adapted from.")
    state: Literal["live", "retired"] = Field(description="Live is in use.")
    report: dict[str, Any] = Field(description="What was found when it was made.")
    created: datetime = Field(description="When it came to the station.")


class Releases(BaseModel):
    """Releases, the newest first."""

    releases: list[Release] = Field(description="All that there are.")


@router.get("/releases", responses=NOT_FOUND)
def every_release(asked: Annotated[Filter, Query()], context: Given) -> Releases:
    """List the releases of a machine, or of all."""
    machine_id = None if asked.machine is None else find_machine(context, asked.machine).id
    with context.database.reading() as session:
        found = releases(session, machine_id)
    return Releases(releases=[Release.model_validate(each) for each in found])
