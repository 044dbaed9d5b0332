"""Show what other stations hear, and show them what this one does: one page for all.

    board -> this station's row, every 2 s -> other stations' boards and their pages

So a score of another station is on the page at most four seconds later, if the clocks agree or not.
Incidents, minutes and reviews are rows that all read; a review given on another's page is told to
the ledger here within the same time. A single station writes nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.events import Hub
from rattle.station.health import StationSeen
from rattle.station.store.database import Database
from rattle.station.store.leases import time_of
from rattle.station.store.tables import MachineRow, ReviewRow, StationRow

LOOK_EVERY_S = 2.0
# Reviews are looked for so far back: clocks of stations differ.
BACK = timedelta(minutes=10)
TIMES = ("since", "heard_at")


class Elsewhere:
    """What the stations that share the database hear; ``look`` is for one thread."""

    def __init__(
        self,
        database: Database,
        node: str,
        board: Board,
        hub: Hub,
        held: Collection[str],
        reviewed: Callable[[Sequence[str]], None],
        gone: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """``held`` are the machines of this station, ``reviewed`` lets its budgets know.

        ``gone`` hears of a machine on the board that is no station's any more.
        """
        self._database, self._node, self._board, self._hub = database, node, board, hub
        self._held, self._reviewed, self._gone, self._now = held, reviewed, gone, now
        self._known_reviews: set[str] = set()
        self.stations: tuple[StationSeen, ...] = ()

    def look(self) -> None:
        """Do it once; raises ``StorageError``."""
        # First those that are shown: whatever joins has its rows before it is shown.
        shown = {machine.id for machine in self._board.machines()}
        with self._database.reading() as session:
            rows = session.scalars(select(StationRow).order_by(StationRow.name)).all()
            now = time_of(session, self._now())
            others = [row for row in rows if row.node != self._node]
            reviews = self._new_reviews(session) if others else []
            listed = set(session.scalars(select(MachineRow.id).where(MachineRow.listed)))
        self.stations = tuple(self._seen(row, now) for row in rows)
        for machine_id in shown - listed - {*self._held}:
            self._gone(machine_id)
        if not others:
            return
        if reviews:
            self._reviewed(reviews)
        # What a living one says of a machine is newer than what one said that died.
        last = {}
        for row in sorted(others, key=lambda row: row.until):
            for said in row.hears:
                machine = _machine(said, row)
                if machine.id in listed:
                    last[machine.id] = machine, row
        for machine, row in last.values():
            self._show(machine, row, is_there=row.until > now)
        self._say()

    def _seen(self, row: StationRow, now: datetime) -> StationSeen:
        is_here = row.node == self._node
        count = len(self._held) if is_here else len(row.hears)
        return StationSeen(row.name, row.address, is_here, row.until > now, row.until, count)

    def _say(self) -> None:
        hears = [_said(each) for each in self._board.machines() if each.id in self._held]
        with self._database.telling() as session:
            of = update(StationRow).where(StationRow.node == self._node)
            session.execute(of.values(hears=hears))

    def _new_reviews(self, session: Session) -> list[str]:
        newer = ReviewRow.at > self._now() - BACK
        rows = session.execute(select(ReviewRow.id, ReviewRow.incident_id).where(newer)).all()
        new = [incident for review, incident in rows if review not in self._known_reviews]
        self._known_reviews = {review for review, _ in rows}
        return new

    def _show(self, machine: MachineNow, row: StationRow, *, is_there: bool) -> None:
        if machine.id in self._held:
            return
        if not is_there:
            machine = _lost(machine, row)
        before = self._board.machine(machine.id)
        self._board.add(machine)
        self._tell(before, machine)

    def _tell(self, before: MachineNow | None, now: MachineNow) -> None:
        """Tell the open pages what changed."""
        was = {} if before is None else {source.id: source for source in before.sources}
        for source in now.sources:
            old = was.get(source.id)
            if old is None or (old.state, old.reason) != (source.state, source.reason):
                self._hub.publish(
                    "source",
                    machine=now.id,
                    source=source.id,
                    state=source.state,
                    reason=source.reason,
                    since=None if source.since is None else source.since.isoformat(),
                )
            if source.heard_at is not None and (old is None or old.heard_at != source.heard_at):
                self._hub.publish(
                    "score",
                    machine=now.id,
                    source=source.id,
                    at=source.heard_at.isoformat(),
                    score=source.score,
                    y=source.y,
                    level_db=source.level_db,
                    alarm=source.alarm,
                    watch=source.watch,
                )
        if before is None or (before.level, before.incident_id) != (now.level, now.incident_id):
            self._hub.publish("machine", machine=now.id, level=now.level)
            incident_id = now.incident_id or (None if before is None else before.incident_id)
            if incident_id is not None:
                self._hub.publish("incident", id=incident_id, machine=now.id, kind="machine")
        if before is not None and before.operating != now.operating:
            self._hub.publish("machine", machine=now.id, operating=now.operating)


def _lost(machine: MachineNow, row: StationRow) -> MachineNow:
    """Show a machine as it is when nobody listens to it any more."""
    reason = f"its station {row.name} has not been there since {row.until:%Y-%m-%d %H:%M} UTC"
    sources = (
        replace(source, state="lost", reason=reason, since=row.until, score=None, y=None)
        for source in machine.sources
    )
    return replace(machine, sources=tuple(sources))


def _said(machine: MachineNow) -> dict[str, Any]:
    """Write a machine as JSON."""
    said = asdict(machine)
    for source in said["sources"]:
        for name in TIMES:
            source[name] = None if source[name] is None else source[name].isoformat()
    return said


def _machine(said: dict[str, Any], row: StationRow) -> MachineNow:
    """Read one that another station wrote, of the same version or not."""
    sources = [
        SourceNow(
            **{name: value for name, value in source.items() if name in _names(SourceNow)}
            | {name: source[name] and datetime.fromisoformat(source[name]) for name in TIMES}
        )
        for source in said["sources"]
    ]
    known = {name: value for name, value in said.items() if name in _names(MachineNow)}
    known |= {"sources": tuple(sources), "station": row.name, "address": row.address}
    return MachineNow(**known)


def _names(kind: type[Any]) -> set[str]:
    return {field.name for field in fields(kind)}
