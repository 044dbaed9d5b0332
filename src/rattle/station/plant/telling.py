"""Put together who is told: the outbox and its thread, the broker and its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from rattle.station.board import Board
from rattle.station.config.model import Plant
from rattle.station.config.secret_parts import secrets_of
from rattle.station.health import BrokerNow, ChannelNow
from rattle.station.hear.push import PushInbox
from rattle.station.store.database import Database
from rattle.station.tell.broker import Broker
from rattle.station.tell.channel import channel_of
from rattle.station.tell.incoming import Incoming
from rattle.station.tell.post import Post, Sender
from rattle.station.tell.publishing import Publisher
from rattle.station.tell.topics import status, status_topic
from rattle.station.tell.words import Words


def senders_of(plant: Plant) -> list[Sender]:
    """Make what sends to each channel; raises ``ConfigError`` where nothing knows an address."""
    return [Sender(tell, channel_of(tell)) for tell in plant.tell]


class Telling:
    """All that tells of a plant; nothing where its file names nobody to tell.

    ``held`` are the machines that are heard here, by id. ``station`` is what this one is called
    among those that share its database, "" where none can.
    """

    def __init__(
        self,
        plant: Plant,
        senders: Sequence[Sender],
        database: Database,
        board: Board,
        held: Collection[str],
        *,
        station: str,
        now: Callable[[], datetime],
        full_disk: Callable[[], str],
        set_running: Callable[[str, bool], None],
        inboxes: Mapping[str, PushInbox],
    ) -> None:
        self._plant, self._board, self._database, self._now = plant, board, database, now
        self._set_running, self._inboxes = set_running, inboxes
        self._address, self._held = plant.address, held
        self._status_at = status_topic(plant.plant, station)
        self._post: Post | None = None
        self._broker: Broker | None = None
        self._publisher: Publisher | None = None
        if senders:
            words = Words(plant.plant, self._address)
            self._post = Post(
                database,
                senders,
                words,
                now=now,
                troubles=lambda: {"disk": said} if (said := full_disk()) else {},
            )

    def start(self) -> None:
        """Begin; the board has all machines."""
        if self._post is not None:
            self._post.start()
        if self._plant.mqtt is None:
            return
        name = self._plant.plant
        machines = self._board.machines
        incoming = Incoming(
            self._plant, machines, self._set_running, self._inboxes.get, self._is_known
        )
        self._publisher = publisher = Publisher(
            name,
            self._address,
            self._board,
            self._held,
            self._database,
            lambda at, text: broker.publish(at, text),
            status_at=self._status_at,
            home_assistant=self._plant.mqtt.home_assistant,
            hidden=secrets_of(self._plant),
        )
        will = (self._status_at, status(online=False))
        self._broker = broker = Broker(
            self._plant.mqtt, will, incoming.topics, incoming.take, publisher.connected, self._now
        )
        broker.start()
        publisher.start()

    def stop(self, patience_s: float) -> None:
        """End; what waits in the outbox is told after the next start."""
        with contextlib.ExitStack() as each:
            if self._broker is not None:
                last = status(online=False)
                each.callback(self._broker.stop, self._status_at, last, patience_s / 3)
            if self._publisher is not None:
                each.callback(self._publisher.stop, patience_s / 3)
            if self._post is not None:
                each.callback(self._post.stop, patience_s / 3)

    def changed(self, incident_ids: Collection[str]) -> None:
        """Note that incidents were stored or reviewed; returns at once."""
        if not incident_ids:
            return
        if self._post is not None:
            self._post.wake()
        if self._publisher is not None:
            self._publisher.changed(incident_ids)

    def _is_known(self, name: str) -> bool:
        return any(machine.name == name for machine in self._board.machines())

    @property
    def channels(self) -> tuple[ChannelNow, ...]:
        """How each channel is."""
        return () if self._post is None else self._post.channels

    @property
    def broker(self) -> BrokerNow | None:
        """How the broker is; None where there is none."""
        return None if self._broker is None else self._broker.state
