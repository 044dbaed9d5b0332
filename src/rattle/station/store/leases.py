"""Keep each machine to one of the stations that share a database.

Who listens says so every few seconds, in the rows of its sources and in its own. Who has not done
so for a lease's time is dead for the others. All sources of a machine go together: they share one
incident. The time is the database's, since two computers' clocks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.station.records import IncidentChanged, MinuteHeard, StretchChanged, ThresholdFitted
from rattle.station.store.rows import Written
from rattle.station.store.tables import (
    IncidentRow,
    JobRow,
    MachineRow,
    SourceRow,
    StationRow,
)

# A station that was not there for so long is none of the plant's any more.
FORGOTTEN_AFTER = timedelta(days=7)

# Who of the stations that could is to listen to each machine: by machine's id, nodes.
ShareOut = Callable[[Mapping[str, Collection[str]]], Mapping[str, str]]


@dataclass(frozen=True)
class Held:
    """Machines of a station by id: that it listens to from now on or no more, and is to leave."""

    taken: tuple[str, ...]
    lost: tuple[str, ...]
    to_leave: tuple[str, ...]
    others: int


def time_of(session: Session, now: datetime) -> datetime:
    """Say what time it is for all stations: ``now`` where there is but one."""
    if session.get_bind().dialect.name != "postgresql":
        return now
    seconds = session.scalar(select(func.extract("epoch", func.clock_timestamp())))
    return datetime.fromtimestamp(float(seconds or 0.0), UTC)


def join(
    session: Session,
    node: str,
    name: str,
    address: str,
    source_ids: Sequence[str],
    now: datetime,
    until: datetime,
) -> None:
    """Say that a station is there, whose file names these sources.

    What no station's file names is not listed any more. Raises ``DataError`` where another station
    has a machine of this one with other sources: each would hear a part of it.
    """
    is_old = StationRow.until < now - FORGOTTEN_AFTER
    if session.get_bind().dialect.name == "sqlite":
        is_old = StationRow.node != node  # a file is of one station; it was called otherwise
    session.execute(delete(StationRow).where(StationRow.node != node, is_old))
    row = session.get(StationRow, node) or StationRow(node=node, hears=[])
    row.name, row.address, row.until, row.sources = name, address, until, [*source_ids]
    session.add(row)
    session.flush()
    stations = session.scalars(select(StationRow)).all()
    _check_same_machines(session, row, stations, now)
    named = {source for station in stations for source in station.sources}
    session.execute(update(SourceRow).values(listed=SourceRow.id.in_(named)))
    listed = select(SourceRow.machine_id).where(SourceRow.listed)
    session.execute(update(MachineRow).values(listed=MachineRow.id.in_(listed)))


def hold(
    session: Session,
    node: str,
    machines: Mapping[str, Sequence[str]],
    held: Collection[str],
    leaving: Collection[str],
    share_out: ShareOut,
    now: datetime,
    lease: timedelta,
    *,
    may_take: bool = True,
) -> Held:
    """Say that a station is still there and which machines it holds; take those that are free.

    ``machines`` are those of its file with their sources, ``held`` those that it listens to, and
    ``leaving`` those of it that it is about to leave. With ``may_take`` off nothing is taken that
    another station had.
    """
    now = time_of(session, now)
    until = now + lease
    session.execute(update(StationRow).where(StationRow.node == node).values(until=until))
    live = session.scalars(select(StationRow).where(StationRow.until > now)).all()
    of = {station.node: set(station.sources) for station in live}
    # Of all stations' machines, not of this file's alone: each is to come to the same owners.
    owners = share_out(
        {
            machine: [each for each, has in of.items() if has >= sources]
            for machine, sources in _sources_of(session, set().union(*of.values())).items()
        }
    )
    ids = [source for sources in machines.values() for source in sources]
    rows = {row.id: row for row in session.scalars(select(SourceRow).where(SourceRow.id.in_(ids)))}
    is_open = (IncidentRow.kind == "machine") & (IncidentRow.state == "open")
    busy = set(session.scalars(select(IncidentRow.subject).where(is_open)))
    taken, lost, to_leave = [], [], []
    for machine, sources in machines.items():
        own = [rows[source] for source in sources]
        is_owner = owners.get(machine) == node
        if machine in held:
            if any(row.node != node for row in own):
                lost.append(machine)
                continue
            if not is_owner and machine in owners and machine not in busy:
                to_leave.append(machine)
        elif not is_owner or not all(_is_free(row, node, now) for row in own):
            continue
        elif machine in leaving and any(row.node == node for row in own):
            continue  # what was told of it is still being written
        elif not may_take and any(row.node not in (None, node) for row in own):
            continue
        else:
            taken.append(machine)
        for row in own:
            row.node, row.node_until = node, until
    return Held(tuple(taken), tuple(lost), tuple(to_leave), len(of) - (node in of))


def renew(session: Session, node: str, now: datetime, lease: timedelta) -> None:
    """Say once more that a station is there, and holds what it holds."""
    until = time_of(session, now) + lease
    session.execute(update(StationRow).where(StationRow.node == node).values(until=until))
    session.execute(update(SourceRow).where(SourceRow.node == node).values(node_until=until))


def leave(session: Session, node: str, source_ids: Collection[str]) -> None:
    """Let another station listen to what ``node`` has of these sources."""
    held = SourceRow.id.in_([*source_ids]) & (SourceRow.node == node)
    session.execute(update(SourceRow).where(held).values(node=None, node_until=None))


def part(session: Session, node: str, now: datetime) -> None:
    """Say that a station has ended, and leave all that it held."""
    at = time_of(session, now)
    session.execute(update(StationRow).where(StationRow.node == node).values(until=at, hears=[]))
    held = SourceRow.node == node
    session.execute(update(SourceRow).where(held).values(node=None, node_until=None))


def end_all(connection: Connection, at: datetime) -> None:
    """End every lease of stations and workers, in the rows of a backup that was made ``at`` then.

    Nobody lives of those that lived when it was made.
    """
    held = update(SourceRow).where(SourceRow.node.is_not(None))
    connection.execute(held.values(node=None, node_until=None))
    connection.execute(update(StationRow).where(StationRow.until > at).values(until=at))
    connection.execute(update(StationRow).values(hears=[]))
    connection.execute(update(JobRow).where(JobRow.lease_until > at).values(lease_until=at))


def of_own_sources(session: Session, node: str, records: Sequence[Written]) -> list[Written]:
    """Choose the records of sources that the station holds, and those that are of none."""
    kinds = (MinuteHeard, IncidentChanged, StretchChanged, ThresholdFitted)
    named = {each.source_id for each in records if isinstance(each, kinds)}
    if not named:
        return [*records]
    is_own = SourceRow.id.in_(named) & (SourceRow.node == node)
    own = set(session.scalars(select(SourceRow.id).where(is_own)))
    return [each for each in records if not isinstance(each, kinds) or each.source_id in own]


def _sources_of(session: Session, source_ids: Collection[str]) -> dict[str, set[str]]:
    """Group sources by their machine."""
    rows = session.execute(
        select(SourceRow.machine_id, SourceRow.id).where(SourceRow.id.in_([*source_ids]))
    )
    found: dict[str, set[str]] = {}
    for machine, source in rows:
        found.setdefault(machine, set()).add(source)
    return found


def _is_free(row: SourceRow, node: str, now: datetime) -> bool:
    return row.node in (None, node) or row.node_until is None or row.node_until <= now


def _check_same_machines(
    session: Session, row: StationRow, stations: Sequence[StationRow], now: datetime
) -> None:
    of = {
        source_id: (machine_id, name)
        for source_id, machine_id, name in session.execute(
            select(SourceRow.id, SourceRow.machine_id, MachineRow.name).join(
                MachineRow, MachineRow.id == SourceRow.machine_id
            )
        )
    }
    own = {of[source] for source in row.sources}
    for other in stations:
        if other.node == row.node or other.until <= now:
            continue
        for machine in own & {of[source] for source in other.sources if source in of}:
            if {s for s in row.sources if of[s] == machine} != {
                s for s in other.sources if of.get(s) == machine
            }:
                raise DataError(
                    f"machine {machine[1]}: the station {other.name} has it, too, with other "
                    "sources; give both files the same sources of it, or name it in one alone"
                )
