"""A plant whose incidents the test writes, a server that takes what is told, and a clock."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from made_up_heard import Heard
from rattle.station.config.model import Plant
from rattle.station.config.told import Tell
from rattle.station.ids import new_id
from rattle.station.records import IncidentChanged
from rattle.station.store.database import Database
from rattle.station.store.writing import write
from rattle.station.tell.channel import channel_of
from rattle.station.tell.post import Post, Sender
from rattle.station.tell.words import Words

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MACHINES = tuple(f"press-{number}" for number in range(1, 9))
PLANT = Plant.model_validate(
    {
        "plant": "hall",
        "machine": [
            {"name": name, "bundle": "p.rattle", "sources": [{"name": f"{name} mic", "device": ""}]}
            for name in MACHINES
        ],
    }
)


@dataclass
class Clock:
    """A clock that the test sets."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **more: float) -> None:
        self.at += timedelta(**more)


@dataclass
class Hall:
    """A plant of eight machines: what happens there is written to its database at once."""

    database: Database
    clock: Clock
    heard: Heard

    @classmethod
    def of(cls, database: Database, clock: Clock) -> Hall:
        return cls(database, clock, Heard.of(database, PLANT))

    def alarm(self, machine: str = "press-1", **changes: Any) -> IncidentChanged:
        """An alarm that begins now."""
        machine_id = self.heard.registered.machines[machine]
        now = self.clock()
        usual = {
            "id": new_id(now),
            "machine_id": machine_id,
            "source_id": self.heard.registered.sources[f"{machine} mic"],
            "subject": machine_id,
            "release_id": self.heard.registered.releases[machine],
            "level": "alarm",
            "opened": now,
            "peak_at": now,
        }
        return self.write(self.heard.incident(**{**usual, **changes}))

    def lost(self, machine: str = "press-1", **changes: Any) -> IncidentChanged:
        """A source that has been lost for a minute."""
        source_id = self.heard.registered.sources[f"{machine} mic"]
        usual = {"kind": "source", "level": "watch", "subject": source_id, "reason": "unplugged"}
        return self.alarm(machine, **{**usual, **changes})

    def end(self, incident: IncidentChanged) -> IncidentChanged:
        return self.write(replace(incident, state="ended", ended=self.clock()))

    def write(self, incident: IncidentChanged) -> IncidentChanged:
        with self.database.writing() as session:
            write(session, incident)
        return incident


@dataclass
class Receiver:
    """A server that notes what is posted to it, and answers with ``status``."""

    status: int = 200
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                came = self.headers["Idempotency-Key"], json.loads(self.rfile.read(length))
                receiver.asked.append(came)
                if 200 <= receiver.status < 300:
                    receiver.taken.append(came)
                receiver.before_answer()
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.send_header("connection", "close")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook/t0psecret"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def told(self) -> list[str]:
        """What was taken: the kind and the machine of each notice, in order."""
        return [
            f"{notice['what']} {notice.get('incident', {}).get('machine', '')}".strip()
            for _, document in self.taken
            for notice in document["notices"]
        ]


class Raw:
    """A server that answers with these bytes, whatever it is asked, one every ``pause_s``."""

    def __init__(self, answer: bytes, pause_s: float) -> None:
        self._answer, self._pause_s = answer, pause_s
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def close(self) -> None:
        self._stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                asker, _ = self._socket.accept()
                with asker, suppress(ConnectionError, TimeoutError):
                    asker.recv(65536)
                    for byte in self._answer:
                        if self._stopped.wait(self._pause_s):
                            return
                        asker.send(bytes([byte]))
                    # What is not read yet would make a reset of the end, and take the answer away.
                    asker.shutdown(socket.SHUT_WR)
                    asker.settimeout(5.0)
                    while asker.recv(65536):
                        pass


def post_of(database: Database, clock: Clock, url: str, **tell: Any) -> Post:
    """The post of a plant with one channel."""
    channel = Tell.model_validate({"name": "shift", "url": url, **tell})
    words = Words("hall", "https://rattle.example", UTC)
    post = Post(database, [Sender(channel, channel_of(channel))], words, now=clock)
    post.begin()
    return post


def step(post: Post, clock: Clock, **more: float) -> None:
    """Let time go on, and the post do its round."""
    clock.forward(**more)
    post.look()
    post.send_due()
