"""Bring what ``plant.toml`` names into the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rattle.station.config.model import Machine, Plant, Source
from rattle.station.config.texts import LONGEST_NAME
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
    session: Session,
    plant: Plant,
    bundles: Mapping[str, BundleFacts],
    now: datetime,
    places: Mapping[str, int] | None = None,
) -> Registered:
    """Make rows for what is new, and bring the others to what the file says.

    ``bundles`` are by the machine's name, of those whose bundle is taken into use. Nothing is
    deleted: what left all stations' files is not listed any more (``leases.join``), and keeps its
    past for when it comes back under its name. A source that another machine has now is a new one:
    what was heard stays with the machine that it was heard of. A bundle that changed is a new
    release, or the old one again where it was in use before.
    """
    machines: dict[str, str] = {}
    sources: dict[str, str] = {}
    releases: dict[str, str] = {}
    for place, machine in enumerate(plant.machine):
        place = place if places is None else places[machine.name]
        row = _machine(session, machine, place, now)
        machines[machine.name] = row.id
        for source in machine.sources:
            sources[source.name] = _source(session, source, row, now)
        if machine.name in bundles:
            releases[machine.name] = _release(session, row, bundles[machine.name], now)
    return Registered(machines, sources, releases)


def _machine(session: Session, machine: Machine, place: int, now: datetime) -> MachineRow:
    row = session.scalar(select(MachineRow).where(MachineRow.name == machine.name))
    if row is None:
        row = MachineRow(id=new_id(now), name=machine.name)
        session.add(row)
    row.budget_per_week, row.running = machine.false_alarms_per_week, machine.running
    row.place, row.listed = place, True
    session.flush()
    return row


def _source(session: Session, source: Source, machine: MachineRow, now: datetime) -> str:
    row = _source_called(session, source.name)
    if row is not None and row.machine_id != machine.id:
        # What was heard as another machine stays with that one, under a name of its own.
        before = session.get_one(MachineRow, row.machine_id)
        row.name = name_of_past(source.name, before.name)
        session.flush()
        row = None
    if row is None:
        row = _source_called(session, name_of_past(source.name, machine.name))
    if row is None:
        row = SourceRow(id=new_id(now), machine_id=machine.id)
        session.add(row)
    row.name, row.kind, row.place, row.listed = source.name, source.kind, source.place, True
    session.flush()
    return row.id


def _source_called(session: Session, name: str) -> SourceRow | None:
    return session.scalar(select(SourceRow).where(SourceRow.name == name))


def name_of_past(source: str, machine: str) -> str:
    """Name what a machine heard by a source whose name another machine has now.

    No file can say it: a name has no brackets.

    >>> name_of_past("mic", "saw")
    'mic (of saw)'
    """
    name = f"{source} (of {machine})"
    if len(name) <= LONGEST_NAME:
        return name
    mark = sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_NAME - len(mark) - 3]} ({mark})"


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
