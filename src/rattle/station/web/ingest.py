"""Take samples that another program pushes, over HTTP and WebSocket, with the source's token.

What was answered with 200, or sent before the close of a WebSocket, was taken; nothing else.
"""

from __future__ import annotations

import contextlib
import hmac
from dataclasses import dataclass

from fastapi import APIRouter, Request, WebSocket
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocketDisconnect

from rattle.station.config.model import Samples
from rattle.station.web.access import Given, bearer
from rattle.station.web.answers import refusal
from rattle.station.web.context import Context, Inbox
from rattle.station.web.refusals import Refusals

router = APIRouter()

MOST_BYTES = 1_000_000
# Half of what waits for an ear at most: more could never be taken in one piece.
MOST_SECONDS = 5.0
BYTES_A_SAMPLE = {"s16le": 2, "f32le": 4}
# Codes of RFC 6455: what cannot be taken, too large, and try again later.
UNSUPPORTED, TOO_LARGE, FULL = 1003, 1009, 1013


class Taken(BaseModel):
    """What was taken of a push."""

    bytes: int = Field(description="How many bytes: all that were sent.")


@dataclass(frozen=True)
class _Refusal:
    status: int
    said: str


@router.post(
    "/ingest/{source}",
    tags=["ingest"],
    max_body_size=MOST_BYTES,
    response_model=Taken,
    openapi_extra={
        "requestBody": {"content": {"application/octet-stream": {}}, "required": True},
        "security": [{"bearer": []}],
    },
    responses={
        400: {"description": "It ends with half a sample, and nothing was taken."},
        401: {"description": "The token is missing or not that source's."},
        404: {"description": "There is no such source."},
        413: {"description": "More than 1 MB, or more than 5 s of sound, in one request."},
        429: {"description": "The ear is behind; nothing was taken. Send it again."},
    },
)
async def push(source: str, request: Request, context: Given) -> Response:
    """Push raw samples of a source, at most 1 MB and 5 s of sound at a time.

    Little-endian and interleaved, as plant.toml says of the source: whole samples, of all channels.
    All are taken, or none.
    """
    inbox = _inbox(context, source, request)
    if isinstance(inbox, _Refusal):
        headers = {"www-authenticate": "Bearer"} if inbox.status == 401 else {}
        return refusal(request.scope, inbox.status, inbox.said, headers)
    data = await request.body()
    seconds = seconds_of(inbox.push, len(data))
    if seconds > MOST_SECONDS:
        said = f"{seconds:.1f} s of sound in one request; send at most {MOST_SECONDS:g} s."
        return refusal(request.scope, 413, said)
    frame = frame_bytes_of(inbox.push)
    if len(data) % frame:
        said = (
            f"{len(data)} bytes are no whole number of samples, which are {frame} bytes each "
            "(plant.toml says so of the source). Nothing was taken; send whole ones."
        )
        return refusal(request.scope, 400, said)
    if not inbox.offer(data):
        said = "The ear is behind, and nothing of this was taken. Send it again in a second."
        return refusal(request.scope, 429, said, {"retry-after": "1"})
    return JSONResponse({"bytes": len(data)})


@router.websocket("/ingest/{source}")
async def push_all_the_time(websocket: WebSocket, source: str) -> None:
    """Take each binary message as the next samples; close with 1013 where the ear is behind.

    Half a sample at the end of a message waits for its other half in the next.
    """
    context: Context = websocket.app.state.context
    inbox = _inbox(context, source, websocket)
    if isinstance(inbox, _Refusal):
        answer = JSONResponse({"detail": inbox.said}, inbox.status)
        await websocket.send_denial_response(answer)
        return
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        await _taken(websocket, inbox)


async def _taken(websocket: WebSocket, inbox: Inbox) -> None:
    """Take messages until the stream ends, or has to be ended."""
    frame, rest = frame_bytes_of(inbox.push), b""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is None:
            await websocket.close(UNSUPPORTED, "samples are binary messages")
            return
        if len(data) > MOST_BYTES or seconds_of(inbox.push, len(data)) > MOST_SECONDS:
            said = f"send at most 1 MB and {MOST_SECONDS:g} s of sound in a message"
            await websocket.close(TOO_LARGE, said)
            return
        data = rest + data
        whole = len(data) - len(data) % frame
        rest = data[whole:]
        if not inbox.offer(data[:whole]):
            await websocket.close(FULL, "the ear is behind; send the last message again later")
            return


def seconds_of(samples: Samples, size: int) -> float:
    """Compute how much sound so many bytes are."""
    return size / (frame_bytes_of(samples) * samples.sample_rate_hz)


def frame_bytes_of(samples: Samples) -> int:
    """Say how many bytes one sample of each channel is."""
    return BYTES_A_SAMPLE[samples.encoding] * samples.channels


def _inbox(context: Context, source: str, connection: HTTPConnection) -> Inbox | _Refusal:
    """Find the inbox that a request may push to.

    Only a program that knows some source's token is told which sources there are.
    """
    token = bearer(connection.headers)
    refusals: Refusals = connection.app.state.refusals
    tokens = {
        each.name: each.push.token.get_secret_value()
        for machine in context.machines
        for each in machine.sources
        if each.push is not None
    }
    matches = {
        name
        for name, expected in tokens.items()
        if token is not None and hmac.compare_digest(token.encode(), expected.encode())
    }
    known = source if source in tokens else ""
    if source in matches:
        refusals.taken(connection, source)
        return context.station.inbox(source) or _Refusal(503, _why_not(context, source))
    if matches and not known:
        denied = _Refusal(404, f"There is no source {source!r} that samples are pushed to.")
    else:
        denied = _Refusal(401, "Send the source's token in the header Authorization: Bearer.")
    refusals.refused(connection, known, denied.said)
    return denied


def _why_not(context: Context, source: str) -> str:
    """Say why nothing can be pushed to a source at the moment."""
    for machine in context.board.machines():
        if machine.station and source in {each.name for each in machine.sources}:
            return f"The station {machine.station} listens to {source}; push to {machine.address}."
    return f"{source} is not listened to now."
