"""Hold the machines that this station is to listen to, and let go of those that others are to.

    every 5 s:  "I am there, and hold these" -> database -> free machines of mine: taken
                                                         -> another's by the share: left
                                                         -> another took it: dropped

A machine that is left is stopped, all that it told is written, and then it is free. One whose
station died is free when its lease is over. What begins with a machine is what begins with the
station's start: its past is recalled, and an open incident goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from rattle.errors import StorageError
from rattle.station.plant.progress import told
from rattle.station.plant.sharing import share_out
from rattle.station.store.database import Database
from rattle.station.store.leases import Held, hold, part, renew
from rattle.station.store.rows import SourcesLeft

_log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
HOLD_EVERY_S = 5.0
# So many are brought in before it is said again that the station is there.
AT_ONCE = 8


class Holding:
    """Which machines the station holds, by id; ``look`` is for one thread."""

    def __init__(
        self,
        database: Database,
        node: str,
        sources: dict[str, list[str]],
        *,
        bring_in: Callable[[Sequence[str]], None],
        stop: Callable[[Sequence[str]], None],
        tell: Callable[[SourcesLeft], None],
        gone: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """``sources`` are those of each machine of the station, which may come and go.

        ``bring_in`` begins to listen to machines, ``stop`` ends it and returns when all was told;
        ``tell`` is the scribe's. ``gone`` hears of a machine that is not the station's any more,
        when nobody listens to it.
        """
        self._database, self._node, self._sources, self._now = database, node, sources, now
        self._bring_in, self._stop, self._tell, self._gone = bring_in, stop, tell, gone
        self._sources_of = dict(sources)
        self._leaving: set[str] = set()
        self._take_from = 0.0
        self.machines: set[str] = set()
        self.has_others = False

    def look(self) -> None:
        """Say that the station is there, and follow what that brings. Raises ``StorageError``."""
        sources = dict(self._sources)
        self._let_go(self._sources_of.keys() - sources.keys())
        self._sources_of |= sources
        held = self._hold(sources)
        self.has_others = held.others > 0
        if held.lost:
            _log.warning("another station took %d machines of this one", len(held.lost))
            self._drop(held.lost)
        if held.to_leave:
            self._drop(held.to_leave)
            self._leave(held.to_leave)
        self._leaving -= {*held.taken}
        self._take(held.taken)

    def part(self) -> None:
        """Let the others take everything, once all is written."""
        with self._database.writing() as session:
            part(session, self._node, self._now())

    def _let_go(self, machines: Collection[str]) -> None:
        """Stop listening to machines that are not the station's any more."""
        held = [machine for machine in machines if machine in self.machines]
        if held:
            self._drop(held)
            self._leave(held)
        for machine in machines:
            del self._sources_of[machine]
            self._leaving.discard(machine)
            self._gone(machine)

    def _hold(self, sources: dict[str, list[str]]) -> Held:
        try:
            with self._database.writing() as session:
                return hold(
                    session,
                    self._node,
                    sources,
                    self.machines,
                    self._leaving,
                    share_out,
                    self._now(),
                    LEASE,
                    may_take=time.monotonic() >= self._take_from,
                )
        except StorageError:
            # Nobody could say that he is there: whoever lives is to have time to say so.
            self._take_from = time.monotonic() + LEASE.total_seconds()
            raise

    def _take(self, taken: Sequence[str]) -> None:
        """Begin to listen to machines, some at a time; where that fails the rest is left."""
        groups = [taken[at : at + AT_ONCE] for at in range(0, len(taken), AT_ONCE)]
        to_bring = [*taken]
        try:
            for machines in told(groups, "machines, some at a time", len(groups)):
                if machines is not groups[0]:
                    with self._database.writing() as session:
                        renew(session, self._node, self._now(), LEASE)
                self.machines |= {*machines}
                self._bring_in(machines)
                del to_bring[: len(machines)]
        except BaseException:
            self._drop(to_bring)
            self._leave(to_bring)
            raise

    def _drop(self, machines: Sequence[str]) -> None:
        self.machines -= {*machines}
        self._stop(machines)

    def _leave(self, machines: Sequence[str]) -> None:
        """Set machines free, once all that was told of them is written."""
        self._leaving |= {*machines}
        ids = tuple(source for machine in machines for source in self._sources_of[machine])
        self._tell(SourcesLeft(self._node, ids))
