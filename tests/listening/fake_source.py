"""A source that plays what a test wrote down."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rattle.errors import SourceError
from rattle.listening.source import Block

# What a connection plays: blocks, then it ends or an error is raised.
# None stands for a source that says nothing any more.
Played = Sequence[Block | SourceError | None]


@dataclass
class FakeSource:
    """Each connection plays the next of ``connections``."""

    connections: list[Played]
    live: bool = True
    name: str = "fake"
    opened: list[FakeConnection] = field(default_factory=list)

    def connect(self) -> FakeConnection:
        played = self.connections[len(self.opened)]
        self.opened.append(FakeConnection(played))
        return self.opened[-1]


@dataclass
class FakeConnection:
    played: Played
    closed: threading.Event = field(default_factory=threading.Event)

    def blocks(self) -> Iterator[Block]:
        for item in self.played:
            if isinstance(item, SourceError):
                raise item
            if item is None:
                self.closed.wait()
                return
            yield item

    def close(self) -> None:
        self.closed.set()
