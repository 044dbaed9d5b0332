"""Ask for a machine to be enrolled, and list those that are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ValidationError

from rattle.errors import ConfigError, DataError
from rattle.station.enrol.wanted import KINDS
from rattle.station.web.access import ADMIN, who
from rattle.station.web.api.enrolment_answers import NewMachine
from rattle.station.web.api.enrolments import sentences, wanted_of
from rattle.station.web.pages.shell import context_of, shown

router = APIRouter(include_in_schema=False)

# What a form says of samples that are pushed.
PUSH = ("token", "encoding", "sample_rate_hz", "channels")


class Filled(BaseModel):
    """What stands in the form; at first what is usual."""

    name: str = ""
    source: str = ""
    kind: str = "url"
    url: str = ""
    device: str = ""
    folder: str = ""
    token: str = ""
    encoding: str = "s16le"
    sample_rate_hz: str = "16000"
    channels: str = "1"
    false_alarms_per_week: str = "1"
    running: str = "always"
    running_above_dbfs: str = ""
    encoder: str = ""
    minutes: str = "20"
    at_once: str = ""


SAID = {
    "recording": "is being recorded",
    "ready": "was recorded in full",
    "fitting": "gets its detector",
    "offered": "waits to be watched",
    "failed": "got no detector",
    "accepted": "is watched",
    "discarded": "was discarded",
}


@router.get("/enrol", response_class=HTMLResponse)
def enrol_page(request: Request) -> HTMLResponse:
    """Show the form, and the machines that are being enrolled or were."""
    return _shown(request, Filled(), "")


@router.post("/enrol", dependencies=[ADMIN])
def begin_by_form(request: Request, filled: Annotated[Filled, Form()]) -> Response:
    """Begin to record a machine, and go to its page."""
    try:
        asked = NewMachine.model_validate(_asked(filled))
        id_ = context_of(request).station.enrolling.begin(wanted_of(asked), who(request))
    except ValidationError as error:
        wrong = (f"{e['loc'][-1]}: {e['msg'][0].lower()}{e['msg'][1:]}" for e in error.errors())
        return _shown(request, filled, sentences(ConfigError("\n".join(wrong))), 409)
    except (ConfigError, DataError) as error:
        return _shown(request, filled, sentences(error), 409)
    return RedirectResponse(f"/enrol/{id_}", 303)


def _asked(filled: Filled) -> dict[str, Any]:
    """Turn what a form says into what a program would ask for."""
    said = {key: value.strip() for key, value in filled.model_dump().items()}
    kind = said["kind"] if said["kind"] in KINDS else "url"
    of_kind = {key: said[key] for key in PUSH} if kind == "push" else said[kind]
    usual = ("name", "false_alarms_per_week", "running", "encoder", "minutes")
    asked: dict[str, Any] = {key: said[key] for key in usual}
    asked["source"] = {"name": said["source"] or f"{said['name']} source", kind: of_kind}
    asked["at_once"] = bool(said["at_once"])
    if said["running"] == "by level" and said["running_above_dbfs"]:
        asked["running_above_dbfs"] = said["running_above_dbfs"]
    return asked


def _shown(request: Request, filled: Filled, problem: str, status: int = 200) -> HTMLResponse:
    enrolling = context_of(request).station.enrolling
    return shown(
        request,
        "enrol",
        title="Enrol a machine",
        here="",
        status=status,
        filled=filled,
        problem=problem,
        encoders=enrolling.encoders(),
        enrolments=[(each, SAID[each.row.state]) for each in enrolling.every()],
    )
