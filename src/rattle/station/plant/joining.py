"""Let a machine join the running station, or leave it: rows first, then the board, then its ear.

    rows (one transaction) ── roster ── what can be brought in ── board ── Holding takes it: an ear

What begins with it is what begins with the station's start (``plant.holding``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from sqlalchemy.orm import Session

from rattle.station.config.model import Machine
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import enter
from rattle.station.plant.bringing import Bringing
from rattle.station.plant.holding import LEASE
from rattle.station.plant.releases import Release
from rattle.station.plant.roster import Roster
from rattle.station.store.database import Database


class Joining:
    """Machines that come and go while the station runs; from any thread, one after the other."""

    def __init__(
        self,
        database: Database,
        roster: Roster,
        bringing: Bringing,
        ears: Assembly,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._roster, self._bringing = database, roster, bringing
        self._ears, self._now = ears, now
        # What is entered without a machine takes it off the list.
        self._one_at_a_time = Lock()

    def join(self, machine: Machine, release: Release, note: Callable[[Session], None]) -> None:
        """Take a machine in; within seconds it is listened to.

        ``note`` writes what else is to be written, or nothing is. Raises ``StorageError``, and what
        ``note`` raises.
        """
        with self._one_at_a_time:
            plant = self._roster.with_machine(machine)
            with self._database.writing() as session:
                note(session)
                entered = enter(session, plant, self._now(), LEASE)
            self._roster.add(machine)
            self._ears.show_all([machine], entered.ids, {})
            self._bringing.add(machine, release, plant, entered)

    def leave(self, name: str, note: Callable[[Session], None]) -> None:
        """Let an enrolled machine go: its past stays, as of one that left the file.

        One that is not listened to, or that the file names by now, is only noted.
        """
        with self._one_at_a_time:
            is_taken_in = any(machine.name == name for machine in self._roster.enrolled)
            with self._database.writing() as session:
                note(session)
                if not is_taken_in:
                    return
                enter(session, self._roster.without(name), self._now(), LEASE)
            self._roster.remove(name)
            self._bringing.remove(name, self._roster.plant)
