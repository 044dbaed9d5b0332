"""Enrol further machines: record, make the detector, watch."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request

from rattle.errors import BundleError, ConfigError, DataError
from rattle.station.enrol.wanted import Wanted
from rattle.station.web.access import ADMIN, Given, who
from rattle.station.web.api import enrolment_answers as answers
from rattle.station.web.api.answer import CONFLICT, NOT_FOUND, USUAL, Id
from rattle.station.web.context import Context

router = APIRouter(tags=["enrolments"], responses=USUAL)


@router.get("/enrolments")
def every_enrolment(context: Given) -> answers.Enrolments:
    """List the machines that are being enrolled or were, and the encoders to choose from."""
    enrolling = context.station.enrolling
    return answers.Enrolments(
        enrolments=[answers.Enrolment.of(each) for each in enrolling.every()],
        encoders=[answers.Encoder.model_validate(each) for each in enrolling.encoders()],
    )


@router.post("/enrolments", status_code=201, dependencies=[ADMIN], responses=CONFLICT)
def begin(machine: answers.NewMachine, request: Request, context: Given) -> answers.Enrolment:
    """Begin to record a new machine; for an admin."""
    try:
        id_ = context.station.enrolling.begin(wanted_of(machine), who(request))
    except (ConfigError, DataError) as error:
        raise HTTPException(409, sentences(error)) from error
    return _found(context, id_)


@router.get("/enrolments/{enrolment}", responses=NOT_FOUND)
def one_enrolment(enrolment: Id, context: Given) -> answers.Enrolment:
    """Give one, with what its sound is like at this moment."""
    return _found(context, enrolment)


@router.post(
    "/enrolments/{enrolment}/{act}",
    status_code=202,
    dependencies=[ADMIN],
    responses={**NOT_FOUND, **CONFLICT},
)
def act_on(enrolment: Id, act: answers.Act, request: Request, context: Given) -> answers.Done:
    """Record it on, make (fit) its detector, watch by it (accept), or discard it; for an admin.

    Of a machine that is watched, discard ends that; its past stays.
    """
    _found(context, enrolment)
    try:
        do(context, enrolment, act, who(request))
    except (BundleError, ConfigError, DataError) as error:
        raise HTTPException(409, sentences(error)) from error
    return answers.Done(id=enrolment, act=act)


def do(context: Context, id_: str, act: answers.Act, name: str) -> None:
    """Do it; raises ``BundleError``, ``ConfigError``, ``DataError`` where that cannot be."""
    enrolling = context.station.enrolling
    match act:
        case "record":
            enrolling.record(id_, name)
        case "fit":
            enrolling.fit(id_, name)
        case "accept":
            enrolling.accept(id_, name)
        case "discard":
            enrolling.discard(id_, name)


def wanted_of(machine: answers.NewMachine) -> Wanted:
    """Write a new machine as its table in ``plant.toml`` would be: keys that are not set are not
    there."""
    set_ = machine.model_dump(exclude_unset=True)
    own = {"source", "encoder", "minutes", "at_once"}
    table: dict[str, Any] = {key: value for key, value in set_.items() if key not in own}
    source = {key: value for key, value in set_["source"].items() if value is not None}
    return Wanted(
        {**{k: v for k, v in table.items() if v is not None}, "sources": [source]},
        machine.encoder,
        60 * machine.minutes,
        at_once=machine.at_once,
    )


def sentences(error: Exception) -> str:
    """Join what is wrong, a line each, to sentences.

    >>> sentences(ConfigError("name: is missing"))
    'Name: is missing.'
    """
    lines = [line.strip().rstrip(".") for line in str(error).splitlines()]
    return " ".join(f"{line[0].upper()}{line[1:]}." for line in lines if line)


def _found(context: Context, id_: str) -> answers.Enrolment:
    found = context.station.enrolling.one(id_)
    if found is None:
        raise HTTPException(404, f"There is no enrolment {id_!r}.")
    return answers.Enrolment.of(found)
