"""Stand before every request: security headers, whom it claims to be for, where it comes from.

    client -> Guard (length, host, origin, patience, headers) -> the app

A page of another site cannot make a browser act here (Origin, Sec-Fetch-Site), nor reach the
station under a name of its own (Host). Whoever sends a body too slowly is let go, and who goes away
while sending one leaves no trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from anyio import BrokenResourceError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rattle.station.config.model import Web
from rattle.station.config.texts import is_number
from rattle.station.web.answers import refusal

_log = logging.getLogger(__name__)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# A body has so long, and longer by what has come of it at this pace: a bundle by a slow line.
BODY_WITHIN_S, SLOWEST_BYTES_A_S = 30.0, 32 * 1024
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
MOST_HEADER_BYTES = 32_768
TOO_LARGE = "That is more than this address takes in one request. Send less at a time."
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """The outermost part of the web: see above."""

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self._app = app
        self._hosts = Hosts(web)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_replaced = False
        said = (
            refuse_long(scope)
            or self._hosts.refuse(headers)
            or self._hosts.refuse_origin(scope, headers)
        )

        async def send_in_our_words(message: Message) -> None:
            nonlocal is_replaced
            if message.get("status") == 413 and of_plain_text(message):
                is_replaced = True
                await refusal(scope, 413, TOO_LARGE)(scope, receive, send_with_headers)
            elif not is_replaced:
                await send_with_headers(message)

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                of_answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    of_answer.setdefault(name, value)
                # What one person sees is not for the next one at that browser or proxy, nor to leaf
                # back to after the log-out. Of a static file a browser asks whether its copy is
                # still good: after an update no page runs with old scripts.
                is_static = scope["path"].startswith("/static/")
                of_answer.setdefault("cache-control", "no-cache" if is_static else "no-store")
            await send(message)

        if said is not None:
            await refusal(scope, *said)(scope, receive, send_with_headers)
            return
        patient = Patient(receive) if scope["type"] == "http" else receive
        try:
            # Who goes away in the middle of a body is no fault of ours, and gets no answer.
            with contextlib.suppress(ClientDisconnect):
                await self._app(scope, patient, send_in_our_words)
        except* BrokenResourceError:
            _log.debug("an event stream was cut off: nobody read it")


class Patient:
    """Receives a request's body: half a minute, and longer where much comes at a fair pace."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._began = asyncio.get_running_loop().time()
        self._received = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        """Receive the next part; raises ``HTTPException`` 408 where the client is too slow."""
        if self._is_whole:
            return await self._receive()
        within_s = BODY_WITHIN_S + self._received / SLOWEST_BYTES_A_S
        left_s = self._began + within_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(left_s, 0)):
                message = await self._receive()
        except TimeoutError:
            said = f"The request did not come whole within {within_s:.0f} s."
            raise HTTPException(408, said, headers={"connection": "close"}) from None
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        return message


def refuse_long(scope: Scope) -> tuple[int, str] | None:
    """Say that address and headers are too long; None where they are not.

    The server itself looks only at headers that come in several pieces.
    """
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    size = address + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    if size <= MOST_HEADER_BYTES:
        return None
    return 431, (
        f"Address and headers of the request are {size:,} bytes; at most {MOST_HEADER_BYTES:,} are "
        "taken. Send fewer or shorter ones; in a browser, delete this address's cookies."
    )


def of_plain_text(message: Message) -> bool:
    """Tell whether an answer begins that is a few words of the library and not ours."""
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")


class Hosts:
    """The names under which the station is reached, by its file."""

    def __init__(self, web: Web) -> None:
        bound = host_of(web.bind)
        self._address = web.address
        self._names = set(LOOPBACK_NAMES)
        self._any_number = False
        if is_wildcard(bound):
            own = socket.gethostname().lower()
            self._names |= {own, f"{own}.local", socket.getfqdn().lower()}
            self._any_number = True
        else:
            self._names.add(bound)
        if web.address is not None:
            self._names.add(urlsplit(web.address).hostname or "")

    def refuse(self, headers: Headers) -> tuple[int, str] | None:
        """Say what is wrong with the name that a request is for; None where nothing is."""
        name = host_of(headers.get("host", ""))
        if name in self._names or (self._any_number and is_number(name)):
            return None
        return 421, (
            f"The station is not reached as {name or 'nothing'!r}. Set address under [web] in "
            "plant.toml to the address that people type."
        )

    def refuse_origin(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Say what is wrong with where a request that changes something comes from."""
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if origin is not None and origin == self._address:
            return None
        is_own = origin is None or urlsplit(origin).netloc == headers.get("host")
        if is_own and site in (None, "same-origin", "none"):
            return None
        return 403, (
            "This came from a page of another site and was not done. If it came from the station's "
            "own page, set address under [web] in plant.toml to the address that people type."
        )


def host_of(netloc: str) -> str:
    """Read the host of ``HOST:PORT``, in lower case and without brackets.

    >>> host_of("[::1]:8765"), host_of("Hall.example")
    ('::1', 'hall.example')
    """
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def is_wildcard(host: str) -> bool:
    """Tell whether it stands for every address of the machine."""
    return is_number(host) and ipaddress.ip_address(host).is_unspecified
