"""Give the bundles that are or were in use or are offered, and let one be chosen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rattle.errors import DataError
from rattle.station.store.reading.releases import release, releases
from rattle.station.store.reading.views import ReleaseKind, ReleaseState, ReleaseView
from rattle.station.web.access import REVIEWER, Given, who
from rattle.station.web.api.answer import CONFLICT, NOT_FOUND, TEXT, USUAL, Answer, Id
from rattle.station.web.api.machines import find_machine
from rattle.station.web.context import Context

router = APIRouter(tags=["releases"], responses=USUAL)

LONGEST_REASON = 300
NEEDS_A_REASON = "The gate refused this release: say why it is to be used all the same."


class Filter(BaseModel):
    """Which releases."""

    model_config = ConfigDict(extra="forbid")
    machine: str | None = Field(None, max_length=64, description="Id or name of a machine.")


class Release(Answer):
    """A bundle that is in use for a machine, was, or is offered."""

    id: str = Field(description="Its id.")
    machine_id: str = Field(description="Whose it is.")
    identity: str = Field(description="Identity of the bundle.")
    kind: ReleaseKind = Field(
        description="Given by the plant's file, a head fitted here, or an encoder of a worker."
    )
    encoder: str = Field(description="Hash of its encoder; only embeddings of one are compared.")
    parent_id: str | None = Field(description="The release that it was adapted from.")
    state: ReleaseState = Field(
        description="Live is in use, retired was, a candidate or a refused one is offered; gating "
        "while it is tried, superseded where another one is offered in its place."
    )
    report: dict[str, Any] = Field(description="What was found when it was made.")
    gate: dict[str, Any] | None = Field(
        description="What it would change; not of one that was given."
    )
    learnt: dict[str, str] | None = Field(description="Verdicts it learnt from, by incident.")
    created: datetime = Field(description="When it came to the station.")


class Releases(BaseModel):
    """Releases, the newest first."""

    releases: list[Release] = Field(description="All that there are.")


class Choice(BaseModel):
    """Why a release is chosen."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(
        "",
        max_length=LONGEST_REASON,
        pattern=TEXT,
        description="Needed for a release that the gate refused.",
    )


@router.get("/releases", responses=NOT_FOUND)
def every_release(asked: Annotated[Filter, Query()], context: Given) -> Releases:
    """List the releases of a machine, or of all."""
    machine_id = None if asked.machine is None else find_machine(context, asked.machine).id
    with context.database.reading() as session:
        found = releases(session, machine_id)
    return Releases(releases=[Release.model_validate(each) for each in found])


@router.get("/releases/{release}", responses=NOT_FOUND)
def one_release(release: Id, context: Given) -> Release:
    """Give a release, with what its gate shows."""
    return Release.model_validate(_found(context, release))


@router.post(
    "/releases/{release}/promote",
    status_code=202,
    dependencies=[REVIEWER],
    responses={**NOT_FOUND, **CONFLICT},
)
def promote(release: Id, choice: Choice, request: Request, context: Given) -> Release:
    """Let a release take the place of its machine's live one; it is so within seconds.

    An older one is chosen the same way: that is how to roll back.
    """
    found = _found(context, release)
    try:
        choose(context, found, who(request), choice.reason)
    except DataError as error:
        raise HTTPException(409, str(error)) from error
    return Release.model_validate(found)


def choose(context: Context, found: ReleaseView, name: str, reason: str) -> None:
    """Promote a release; ``DataError`` where that cannot be."""
    if found.state == "refused" and not reason.strip():
        raise DataError(NEEDS_A_REASON)
    context.station.promote(found.id, name, reason.strip())


def _found(context: Context, release_id: str) -> ReleaseView:
    with context.database.reading() as session:
        found = release(session, release_id)
    if found is None:
        raise HTTPException(404, f"There is no release {release_id!r}.")
    return found
