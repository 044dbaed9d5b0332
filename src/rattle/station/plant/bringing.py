"""Begin to listen to some machines, at the start or when another station died or left them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.config.model import Machine, Plant
from rattle.station.hear.listener import Listener
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import Entered, recall, take
from rattle.station.plant.releases import Release, chosen_since, live_before
from rattle.station.store.database import Database
from rattle.station.store.tables import MachineRow

_log = logging.getLogger(__name__)


class Bringing:
    """What it takes to listen to any machine of the station; machines are named by id.

    sources: the ids of each machine's sources. releases: opened at the start or when a machine
    joined, by the machine's name.
    """

    def __init__(
        self,
        database: Database,
        plant: Plant,
        releases: dict[str, Release],
        entered: Entered,
        ears: Assembly,
        refused: dict[str, str],
        now: Callable[[], datetime],
    ) -> None:
        """Why a bundle is not used is noted in ``refused``, by the machine's name."""
        self._refused = refused
        self._database, self._plant, self.releases = database, plant, releases
        self._ears, self._now = ears, now
        ids = entered.ids
        self._machines = {ids.machines[machine.name]: machine for machine in plant.machine}
        self._release_of: dict[str, str] = {}
        self.sources = {
            machine_id: [ids.sources[source.name] for source in machine.sources]
            for machine_id, machine in self._machines.items()
        }

    def add(self, machine: Machine, release: Release, plant: Plant, entered: Entered) -> None:
        """Let a machine be brought in from now on; ``plant`` has it."""
        machine_id = entered.ids.machines[machine.name]
        self._plant = plant
        self.releases[machine.name] = release
        self._machines[machine_id] = machine
        self.sources[machine_id] = [entered.ids.sources[each.name] for each in machine.sources]

    def remove(self, name: str, plant: Plant) -> None:
        """Bring a machine in no more; ``plant`` lacks it."""
        machine_id = next(id_ for id_, each in self._machines.items() if each.name == name)
        # What is held and not among these is left (``plant.holding``).
        del self.sources[machine_id], self._machines[machine_id], self.releases[name]
        self._plant = plant

    def bring_in(self, machine_ids: Sequence[str]) -> list[Listener]:
        """Put the machines together, to go on from what is stored; gives what will listen."""
        machines = [self._machines[machine_id] for machine_id in machine_ids]
        with self._database.reading() as session:
            live = live_before(session, machines, self._plant.data)
        # Another station may have promoted one since this one was started.
        releases = {
            each.name: chosen_since(
                each, self.releases[each.name], live.get(each.name), self._refused
            )
            for each in machines
        }
        with self._database.writing() as session:
            taken = take(session, self._plant, machines, releases, self._now())
        beginning = recall(self._database, machines, taken, self._now())
        self._ears.add_all(machines, releases, beginning)
        for machine in machines:
            machine_id = taken.ids.machines[machine.name]
            self._release_of[machine_id] = taken.ids.releases[machine.name]
        return [each for machine_id in machine_ids for each in self._ears.listeners[machine_id]]

    def releases_of(self, machine_ids: Sequence[str]) -> list[str]:
        """List the releases that score the machines, by id."""
        return [self._release_of[machine_id] for machine_id in machine_ids]


def live_releases(session: Session) -> dict[str, str]:
    """Find the release in use of each machine, both by id."""
    rows = session.execute(select(MachineRow.id, MachineRow.live_release_id))
    return {machine: release for machine, release in rows if release is not None}


def stop_listening(listeners: Sequence[Listener], patience_s: float) -> None:
    """End listeners; each tells what it heard last. Who takes longer is said."""
    for listener in listeners:
        listener.stop()
    until = time.monotonic() + patience_s
    for listener in listeners:
        if not listener.join(max(until - time.monotonic(), 0.0)):
            _log.warning("a source did not stop in time")
