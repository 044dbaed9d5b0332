"""Bring what ``plant.toml`` names into the tables, and keep each source to one station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.station.config.model import Machine, Plant, Source
from rattle.station.ids import new_id
from rattle.station.store.tables import MachineRow, ReleaseRow, SourceRow


@dataclass(frozen=True)
class BundleFacts:
    """What is known of a machine's bundle; see ``tables.ReleaseRow``.

    ``parent`` is the identity of the bundle that it was adapted from, ``given`` that of the bundle
    which the file names, where that is another one.
    """

    identity: str
    encoder: str
    path: str
    parent: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    given: str | None = None


@dataclass(frozen=True)
class Registered:
    """Ids: of machines and sources by their names, of live releases by their machine's name."""

    machines: Mapping[str, str]
    sources: Mapping[str, str]
    releases: Mapping[str, str]


def register(
    session: Session, plant: Plant, bundles: Mapping[str, BundleFacts], now: datetime
) -> Registered:
    """Make rows for what is new, and bring the others to what the file says.

    ``bundles`` are by the machine's name. Nothing is deleted: what left the file is not listed any
    more, and keeps its past for when it comes back under its name. A bundle that changed is a new
    release, or the old one again where it was in use before.
    """
    machines: dict[str, str] = {}
    sources: dict[str, str] = {}
    releases: dict[str, str] = {}
    session.execute(update(MachineRow).values(listed=False))
    session.execute(update(SourceRow).values(listed=False))
    for place, machine in enumerate(plant.machine):
        row = _machine(session, machine, place, now)
        machines[machine.name] = row.id
        for source in machine.sources:
            sources[source.name] = _source(session, source, row.id, now)
        releases[machine.name] = _release(session, row, bundles[machine.name], now)
    return Registered(machines, sources, releases)


def take_sources(
    session: Session, source_ids: Iterable[str], node: str, now: datetime, until: datetime
) -> None:
    """Say that ``node`` listens to the sources until then; again before that, to go on.

    Raises ``DataError`` that names a source which another node has: it would be heard twice.
    """
    for row in session.scalars(select(SourceRow).where(SourceRow.id.in_([*source_ids]))):
        if row.node not in (None, node) and row.node_until is not None and row.node_until > now:
            raise DataError(
                f"source {row.name}: another station ({row.node}) listens to it, at least until "
                f"{row.node_until:%Y-%m-%d %H:%M:%S} UTC; stop that one, or give this one sources "
                "or a database of its own"
            )
        row.node, row.node_until = node, until


def leave_sources(session: Session, source_ids: Iterable[str], node: str) -> None:
    """Let other stations have the sources that ``node`` has."""
    taken = SourceRow.id.in_([*source_ids]) & (SourceRow.node == node)
    session.execute(update(SourceRow).where(taken).values(node=None, node_until=None))


def _machine(session: Session, machine: Machine, place: int, now: datetime) -> MachineRow:
    row = session.scalar(select(MachineRow).where(MachineRow.name == machine.name))
    if row is None:
        row = MachineRow(id=new_id(now), name=machine.name)
        session.add(row)
    row.budget_per_week, row.running = machine.false_alarms_per_week, machine.running
    row.place, row.listed = place, True
    session.flush()
    return row


def _source(session: Session, source: Source, machine_id: str, now: datetime) -> str:
    row = session.scalar(select(SourceRow).where(SourceRow.name == source.name))
    if row is None:
        row = SourceRow(id=new_id(now), name=source.name)
        session.add(row)
    row.machine_id, row.kind, row.place, row.listed = machine_id, source.kind, source.place, True
    session.flush()
    return row.id


def _release(session: Session, machine: MachineRow, bundle: BundleFacts, now: datetime) -> str:
    of_machine = ReleaseRow.machine_id == machine.id
    row = session.scalar(
        select(ReleaseRow).where(of_machine, ReleaseRow.identity == bundle.identity)
    )
    parent = select(ReleaseRow.id).where(of_machine, ReleaseRow.identity == bundle.parent)
    parent_id = session.scalar(parent)
    if row is None:
        row = ReleaseRow(
            id=new_id(now),
            machine_id=machine.id,
            identity=bundle.identity,
            kind="given",
            state="live",
            created=now,
        )
        session.add(row)
    row.encoder, row.path, row.parent_id = bundle.encoder, bundle.path, parent_id
    # What was found of it meanwhile stays.
    row.report = {**(row.report or {}), **bundle.report}
    session.flush()
    was_live = ReleaseRow.state == "live"
    session.execute(update(ReleaseRow).where(of_machine, was_live).values(state="retired"))
    row.state = "live"
    machine.live_release_id = row.id
    machine.given = bundle.given or bundle.identity
    session.flush()
    return row.id
