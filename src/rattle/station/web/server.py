"""Serve the app: on one address, in a thread of its own, with limits for slow clients."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rattle.errors import DataError
from rattle.station.config.texts import is_loopback
from rattle.station.store.credentials import Credentials
from rattle.station.web.context import Context
from rattle.station.web.guard import MOST_HEADER_BYTES, host_of, is_wildcard
from rattle.station.web.ingest import MOST_BYTES

# From the connection, or the first byte of a further request, to the end of its headers.
HEADERS_WITHIN_S = 10.0
# How long a client may leave what was sent to it unread.
READ_WITHIN_S = 60.0
IDLE_S = 15
MOST_CONNECTIONS = 1000
# How long answers may take after the station was asked to stop.
ENDS_WITHIN_S = 3

_log = logging.getLogger(__name__)


class Server:
    """Serves an app from ``start`` to ``stop``, which any thread may call."""

    def __init__(self, app: FastAPI) -> None:
        """Raises ``DataError`` where others could reach the page, and no account exists."""
        self._app = app
        context: Context = app.state.context
        check_reach(context, app.state.credentials)
        self._web = context.file.web
        self._server: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Begin to serve and give the address; raises ``DataError`` where it cannot be bound."""
        bound = bind(self._web.bind)
        config = uvicorn.Config(
            self._app,
            http=_Timed,
            ws=_Denying,
            ws_max_size=MOST_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(self._web.trusted_proxies),
            forwarded_allow_ips=list(self._web.trusted_proxies),
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=ENDS_WITHIN_S,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        )
        self._server = _Uvicorn(config, self._app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="web", daemon=True
        )
        self._thread.start()
        host, port = bound.getsockname()[:2]
        if is_wildcard(host):
            host = socket.gethostname()  # nobody can type 0.0.0.0 elsewhere
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """End all streams, let answers end for a moment, and close the address."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(ENDS_WITHIN_S + 10)
        if self._thread.is_alive():
            _log.warning("the web server did not stop within %d s", ENDS_WITHIN_S + 10)

    @property
    def is_serving(self) -> bool:
        """Whether the thread that serves is alive."""
        return self._thread is not None and self._thread.is_alive()


def check_reach(context: Context, credentials: Credentials) -> None:
    """Raise ``DataError`` where the page can be reached from elsewhere and no account exists."""
    web = context.file.web
    is_near = is_loopback(host_of(web.bind)) and (
        web.address is None or is_loopback(host_of(web.address.partition("://")[2]))
    )
    if is_near or credentials.has_accounts():
        return
    where = f"bind {web.bind}" if web.address is None else f"address {web.address}"
    raise DataError(
        f"[web] {where} can be reached from other computers, and no account exists: everyone there "
        "could listen in. Add an account by rattle station-account first, or bind to "
        "127.0.0.1:8765 and leave address out"
    )


def bind(address: str) -> socket.socket:
    """Bind to ``HOST:PORT``; raises ``DataError`` where that cannot be."""
    host, port = host_of(address), address.rpartition(":")[2]
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, where = found[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise DataError(f"[web] bind {address}: there is no such address ({error})") from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(where)
        # From now on connections wait, until they are served.
        bound.listen()
    except (OSError, OverflowError) as error:
        bound.close()
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"[web] bind {address}: cannot be bound ({why}); choose another port, or stop the "
            "program that uses this one"
        ) from error
    return bound


class _Uvicorn(uvicorn.Server):
    """Ends the event streams first: uvicorn waits for answers, and theirs never end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to serve."""
        self._app.state.streams.stop()
        await super().shutdown(sockets)


class _Denying(WebSocketsSansIOProtocol):
    """Knows that who was answered before a WebSocket opened was answered.

    uvicorn itself takes that for a fault of the app and writes an error to the log.
    """

    async def send(self, message: Any) -> None:
        """Send a message of the app."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True


class _Timed(H11Protocol):
    """Ends a connection whose headers do not come within ten seconds, or that nobody reads.

    uvicorn itself waits for both forever.
    """

    _headers_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop to wait where the headers are there, begin where a further request begins."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._headers_timer is None and self.conn.trailing_data[0]:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._stop_waiting()
        self._is_read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        # Not closed, but cut: closing would wait until the rest was read.
        self._unread_timer = self.loop.call_later(READ_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop to wait for that."""
        self._is_read()
        super().resume_writing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Stop to wait: the connection is another protocol's from now on."""
        self._stop_waiting()
        super().handle_websocket_upgrade(event)
        # What that one refuses by itself, such as a header of 8 kB, uvicorn would leave unanswered
        # and the connection open; and a stop of the server fails over it.
        protocol: Any = self.transport.get_protocol()
        answer = b"".join(protocol.conn.data_to_send())
        if answer:
            self.transport.write(answer)
            self.transport.close()

    def _is_read(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _wait(self) -> None:
        self._headers_timer = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None
