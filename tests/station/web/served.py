"""The made-up plant behind a real server, on a free port."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI

from rattle.station.web.server import Server


@dataclass(frozen=True)
class Served:
    """Where it is served, and by what."""

    address: str
    server: Server

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port is not None
        return port

    def connect(self, timeout_s: float = 10.0) -> socket.socket:
        """Open a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[Served]:
    """Serve an app while the block runs."""
    context = app.state.context
    web = context.file.web.model_copy(update={"bind": "127.0.0.1:0"})
    object.__setattr__(context, "file", context.file.model_copy(update={"web": web}))
    server = Server(app)
    try:
        yield Served(server.start(), server)
    finally:
        server.stop()
        assert not server.is_serving
