"""Tell the pages that are open what changes.

    ear, scribe, review -- publish --> Hub -- at most 64 events a page --> /events

A page that does not read loses the oldest; it gets ``resync`` in their place and asks anew. Of a
source's scores only the newest waits: a wall of hundreds of sources is no flood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

MOST_WAITING = 64

EventKind = Literal[
    "score", "source", "machine", "incident", "release", "enrolment", "plant", "resync"
]


@dataclass(frozen=True)
class Event:
    """What changed: values that JSON can hold.

    score: machine, source, at, score, y, level_db, alarm, watch. source: the source's state.
    machine: operating state, stage, level. incident: id, machine, kind, level, state, verdict.
    release: machine, id, state. enrolment: id, state. plant: banners. resync: events were lost.
    """

    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)


class Subscription:
    """The events that wait for one page; ``wake`` is called, from any thread, when one comes."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._waiting: list[Event] = []
        self._scores: dict[object, Event] = {}  # the newest by source
        self._lock = Lock()
        self._wake = wake
        self._lost = False

    def put(self, event: Event) -> None:
        """Add an event; where too many wait, the oldest goes."""
        with self._lock:
            if event.kind == "score":
                self._scores[event.data.get("source")] = event
            else:
                self._waiting.append(event)
                if len(self._waiting) > MOST_WAITING:
                    del self._waiting[0]
                    self._lost = True
        self._wake()

    def take(self) -> list[Event]:
        """Take all that wait, ``resync`` first where some were lost."""
        with self._lock:
            events = [*self._waiting, *self._scores.values()]
            self._waiting.clear()
            self._scores.clear()
            lost, self._lost = self._lost, False
        return [Event("resync"), *events] if lost else events


class Hub:
    """Hands each event to every page that is open."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._lock = Lock()

    @property
    def pages_open(self) -> int:
        """How many pages listen."""
        return len(self._subscriptions)

    def publish(self, kind: EventKind, /, **data: Any) -> None:
        """Tell all pages; returns at once."""
        with self._lock:
            subscriptions = list(self._subscriptions)
        event = Event(kind, data)
        for each in subscriptions:
            each.put(event)

    def subscribe(self, wake: Callable[[], None]) -> Subscription:
        """Begin to collect the events for a page."""
        subscription = Subscription(wake)
        with self._lock:
            self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Stop collecting for it."""
        with self._lock:
            self._subscriptions.discard(subscription)
