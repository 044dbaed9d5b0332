"""Publish what changes, once a second: a thread beside that of the broker's connection.

    board ─────────── retained states, where they changed ──┐
    incidents' rows ─ each change of one, in its order ─────┴─ Broker

Nothing waits for a broker that is away but the ids of incidents. Whenever a connection is made, all
retained topics are sent again: a broker may have lost what it had. Of stations that share a
database each publishes the machines that it hears, all that there is of one when it begins to. What
was said of a machine that left the plant is taken back: the broker would say it for ever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from threading import Event, Lock, Thread
from typing import Protocol

from rattle.errors import StorageError
from rattle.station.board import Board
from rattle.station.config.secret_parts import without
from rattle.station.store.database import Database
from rattle.station.store.reading.newest import identity_of, in_order, left, newest_ids
from rattle.station.store.reading.views import IncidentView
from rattle.station.tell.home_assistant import discovery, topics_of
from rattle.station.tell.topics import OF_MACHINE, facts_of, payload, states_of, status, topic

_log = logging.getLogger(__name__)

EVERY_S = 1.0
# Scores change all the time.
SCORES_EVERY_S = 10.0
# What another may have published meanwhile, as a station that was asleep, does not stay for longer.
STATES_ANEW_EVERY_S = 600.0


class Receipt(Protocol):
    """Says whether the broker has a message."""

    def is_published(self) -> bool: ...


class Publisher:
    """Publishes the machines that a station hears: ``held``, by id.

    ``status_at`` is the topic of the station itself. ``publish`` sends a retained message, or
    returns None where it cannot. ``hidden`` are secrets that no topic may show.
    """

    def __init__(
        self,
        plant: str,
        address: str,
        board: Board,
        held: Collection[str],
        database: Database,
        publish: Callable[[str, str], Receipt | None],
        *,
        status_at: str,
        home_assistant: bool,
        hidden: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plant, self._address, self._status_at = plant, address, status_at
        self._board, self._held = board, held
        self._database, self._publish, self._clock = database, publish, clock
        self._home_assistant, self._hidden = home_assistant, hidden
        # What was published at each topic, by the machine's id; "" for the station.
        self._told: dict[str, dict[str, str]] = {"": {}}
        self._scores_at, self._anew_at = -SCORES_EVERY_S, clock()
        self._identities: dict[str, str] = {}
        # Machines on the board, None before all that left were taken back from this connection's
        # broker; and topics that are to be emptied.
        self._shown: set[str] | None = None
        self._to_empty: list[str] = []
        # Incidents that the broker is to hear of, and of which it is not known whether it did.
        self._changed: set[str] = set()
        self._under_way: list[tuple[str, Receipt]] = []
        self._is_anew, self._error = False, ""
        self._lock = Lock()
        self._woken, self._stopped = Event(), Event()
        self._thread = Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """End."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(patience_s)

    def connected(self) -> None:
        """Send all of it again: there is a new connection."""
        self._is_anew = True
        self._woken.set()

    def changed(self, incident_ids: Collection[str]) -> None:
        """Publish these incidents soon; returns at once."""
        with self._lock:
            self._changed.update(incident_ids)
        self._woken.set()

    def publish_changes(self) -> None:
        """Publish what differs from what was published by this connection."""
        if self._is_anew:
            self._is_anew = False
            self._told, self._shown = {"": {}}, None
            # The last connection may have lost them.
            with self._lock:
                self._changed.update(incident_id for incident_id, _ in self._under_way)
                self._under_way.clear()
        if self._clock() - self._anew_at >= STATES_ANEW_EVERY_S:
            self._anew_at = self._clock()
            self._told = {machine_id: {} for machine_id in self._told}
        self._follow()
        while self._to_empty:
            if self._is_anew or self._publish(self._to_empty[-1], "") is None:
                return
            self._to_empty.pop()
        for machine_id, at, text in self._states():
            told = self._told[machine_id]
            if told.get(at) == text:
                continue
            # A new connection gets all of it, from the beginning.
            if self._is_anew or self._publish(at, text) is None:
                return
            told[at] = text
        self._publish_incidents()

    def _follow(self) -> None:
        """Begin with machines that are held since the last time, and forget those that were left.

        Another station publishes these meanwhile, so all is published again where one comes back.
        """
        shown = {machine.id for machine in self._board.machines()}
        if self._shown is None or self._shown - shown:
            with self._database.reading() as session:
                self._to_empty = [at for each in left(session) for at in self._topics_of(*each)]
        self._shown = shown
        held = {machine_id for machine_id in shown if machine_id in self._held}
        new = held - self._told.keys()
        if new:
            with self._database.reading() as session:
                newest = newest_ids(session, new)
            with self._lock:
                self._changed.update(newest)
        self._told = {each: self._told.get(each, {}) for each in ("", *held)}

    def _topics_of(self, machine_id: str, name: str) -> list[str]:
        said = [topic(self._plant, name, what) for what in OF_MACHINE]
        return [*said, *(topics_of(machine_id) if self._home_assistant else [])]

    def _states(self) -> Iterator[tuple[str, str, str]]:
        """Yield whose they are, topics and what they are to say, as it is now."""
        yield "", self._status_at, status(online=True)
        is_score_due = self._clock() - self._scores_at >= SCORES_EVERY_S
        if is_score_due:
            self._scores_at = self._clock()
        for machine in self._board.machines():
            if machine.id not in self._told:
                continue
            if self._home_assistant:
                described = discovery(self._plant, machine, self._address, self._status_at)
                yield from ((machine.id, at, text) for at, text in described)
            for what, facts in states_of(machine, self._identity(machine.release_id)).items():
                at = topic(self._plant, machine.name, what)
                if what != "score" or is_score_due or at not in self._told[machine.id]:
                    yield machine.id, at, payload(**without(facts, self._hidden))

    def _publish_incidents(self) -> None:
        arrived = {each for each, receipt in self._under_way if receipt.is_published()}
        self._under_way = [each for each in self._under_way if each[0] not in arrived]
        with self._lock:
            due = set(self._changed)
        if not due:
            return
        with self._database.reading() as session:
            views = [each for each in in_order(session, due) if each.machine_id in self._told]
        for view in views:
            receipt = self._publish(*self._of(view))
            if receipt is None:
                return
            self._under_way.append((view.id, receipt))
            with self._lock:
                self._changed.discard(view.id)
        with self._lock:
            # Of a microphone, of a machine that another station hears, or not stored.
            self._changed -= due - {view.id for view in views}

    def _of(self, incident: IncidentView) -> tuple[str, str]:
        at = topic(self._plant, incident.machine, "incident")
        return at, payload(**without(facts_of(incident, self._address), self._hidden))

    def _identity(self, release_id: str) -> str:
        if release_id not in self._identities:
            with self._database.reading() as session:
                self._identities[release_id] = identity_of(session, release_id)
        return self._identities[release_id]

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.publish_changes()
                self._error = ""
            except StorageError:  # the scribe says so
                pass
            except Exception as error:
                # Whatever it is, it is tried again: a thread that ends would leave old states.
                if str(error) != self._error:
                    self._error = str(error)
                    _log.exception("publishing failed, it is tried again")
            self._woken.wait(EVERY_S)
            self._woken.clear()
