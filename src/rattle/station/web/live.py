"""Send the pages that are open what changes, by server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from rattle.errors import StorageError
from rattle.station.events import Hub, Subscription
from rattle.station.web.access import Given, find_account
from rattle.station.web.context import Context

router = APIRouter()

MOST_STREAMS = 200
# How often it is looked whether whoever reads may still do so.
CHECKED_EVERY_S = 15.0
RETRY_MS = 3000
# What changes within this time goes out together: of each source one score.
GATHERED_S = 0.5


class Streams:
    """The pages that are open; ``stop`` ends all of them, from any thread."""

    def __init__(self) -> None:
        self._open: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_stopping = False

    def __len__(self) -> int:
        return len(self._open)

    @contextlib.contextmanager
    def subscribed(self, hub: Hub) -> Iterator[tuple[Subscription, asyncio.Event]]:
        """Collect events while a page is open; the flag is set when some wait."""
        self._loop = loop = asyncio.get_running_loop()
        waiting = asyncio.Event()

        def wake() -> None:
            # The loop may have ended while an ear still publishes.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(waiting.set)

        subscription = hub.subscribe(wake)
        self._open.add(waiting)
        try:
            yield subscription, waiting
        finally:
            self._open.discard(waiting)
            hub.leave(subscription)

    def stop(self) -> None:
        """End all streams, and begin no more."""
        self.is_stopping = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for waiting in self._open:
            waiting.set()


def _has_room(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    if streams.is_stopping or len(streams) >= MOST_STREAMS:
        said = f"{MOST_STREAMS} pages are open already. Close some, and try again."
        raise HTTPException(503, said, headers={"retry-after": "10"})
    return streams


async def _subscribed(
    context: Given,
    streams: Streams = Depends(_has_room),  # noqa: B008
) -> AsyncIterator[tuple[Subscription, asyncio.Event]]:
    # Left with the request, in whatever way that ends; a generator of events may live on.
    with streams.subscribed(context.hub) as subscribed:
        yield subscribed


@router.get("/events", response_class=EventSourceResponse, tags=["live"])
async def events(
    request: Request,
    context: Given,
    subscribed: tuple[Subscription, asyncio.Event] = Depends(_subscribed),
) -> AsyncIterator[ServerSentEvent]:
    """Stream what changes: score, source, machine, incident, plant; ``resync`` after a loss.

    Each event's data is a JSON object. A stream ends when its session does.
    """
    streams: Streams = request.app.state.streams
    subscription, waiting = subscribed
    yield ServerSentEvent(comment="open", retry=RETRY_MS)
    loop = asyncio.get_running_loop()
    check_at = loop.time() + CHECKED_EVERY_S
    while not streams.is_stopping:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(check_at - loop.time()):
                await waiting.wait()
        waiting.clear()
        if loop.time() >= check_at:
            check_at = loop.time() + CHECKED_EVERY_S
            if not await run_sync(_may_read, request, context):
                return
        for event in subscription.take():
            yield ServerSentEvent(event=event.kind, raw_data=json.dumps(plain(event.data)))
        await asyncio.sleep(GATHERED_S)


def plain(value: Any) -> Any:
    """Give a value as JSON that browsers read: times as text, and null for what is no number."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _may_read(request: Request, context: Context) -> bool:
    if request.state.account is None:
        return True
    # While nobody can tell, whoever was let in stays.
    with contextlib.suppress(StorageError):
        credentials = request.app.state.credentials
        return find_account(context, credentials, request.session, request.headers) is not None
    return True
