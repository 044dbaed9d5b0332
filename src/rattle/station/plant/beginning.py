"""Begin where the station ended: rows for what the file names, and what was known of each."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.pages.words import counted
from rattle.scoring.budget.ledger import Account, Level
from rattle.scoring.worth import alike_within
from rattle.station.config.model import Machine, Plant, Source
from rattle.station.judge.making import share_of
from rattle.station.judge.moments import SINCE
from rattle.station.plant.releases import Release
from rattle.station.records import IncidentChanged
from rattle.station.store.database import Database
from rattle.station.store.history import (
    account_of,
    interrupt,
    moments_of,
    open_incidents,
    threshold_ids_of,
)
from rattle.station.store.incident_rows import record_of
from rattle.station.store.leases import join, time_of
from rattle.station.store.register import BundleFacts, Registered, register
from rattle.station.store.tables import ClipRow, IncidentRow, MachineRow, SourceRow

# Sources whose past is read at the same time.
AT_ONCE = 4


@dataclass(frozen=True)
class Known:
    """What was stored of one source by the release in use.

    is_same: whether there are thresholds and the machine's budget is what it was, so that they
    stand; else they are fitted anew, once enough was heard. moments: those of the last week, when
    and how odd.
    """

    account: Account
    threshold_ids: Mapping[Level, str]
    is_same: bool
    moments: Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Going:
    """An incident that was open when the station ended, and how many recordings it has."""

    incident: IncidentChanged
    clips: int


@dataclass(frozen=True)
class Entered:
    """Ids of all that the file names, and false alarms a week that each source was allowed before,
    by its machine's name. node: what the station is called among those of its database."""

    ids: Registered
    before: Mapping[str, float]
    node: str


@dataclass(frozen=True)
class Beginning:
    """Ids of machines that are taken; what was stored of their sources by their names."""

    registered: Registered
    known: Mapping[str, Known]
    going: Sequence[Going]


def enter(
    session: Session, plant: Plant, now: datetime, lease: timedelta = timedelta(0)
) -> Entered:
    """Bring the plant into the tables, and say for a ``lease`` that its station is there.

    Raises ``DataError`` where another station has one of its machines with other sources.
    """
    before = _budgets(session)
    ids = register(session, plant, {}, now)
    at, host, node = time_of(session, now), socket.gethostname(), node_of(plant)
    address = plant.web.address or f"http://{plant.web.bind}"
    join(session, node, host, address, [*ids.sources.values()], at, at + lease)
    return Entered(ids, before, node)


def node_of(plant: Plant) -> str:
    """Name a station among those of its database.

    One station of a data folder has one name, so that it finds its own machines again.
    """
    return f"{socket.gethostname()}:{plant.data.resolve()}"


def take(
    session: Session,
    plant: Plant,
    machines: Sequence[Machine],
    releases: Mapping[str, Release],
    now: datetime,
) -> Registered:
    """Take the bundles of machines into use, and end what was interrupted of these.

    ``releases`` are by the machine's name. Gives their ids, and those of what left all files.
    """
    facts = {each.name: _facts(releases[each.name], plant.data) for each in machines}
    taken = plant.model_copy(update={"machine": tuple(machines)})
    places = {machine.name: place for place, machine in enumerate(plant.machine)}
    ids = register(session, taken, facts, now, places)
    interrupt(session, time_of(session, now), [*ids.sources.values()])
    return ids


def recall(
    database: Database,
    machines: Sequence[Machine],
    ids: Registered,
    before: Mapping[str, float],
    now: datetime,
) -> Beginning:
    """Recall what was known, several sources at a time: of hundreds it takes a while."""
    of = [(machine, source) for machine in machines for source in machine.sources]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        known = pool.map(lambda each: _known(database, each[0], each[1], ids, before, now), of)
        known_of = {source.name: each for (_, source), each in zip(of, known, strict=True)}
    with database.reading() as session:
        going = [Going(record_of(row), _clips(session, row)) for row in open_incidents(session)]
    return Beginning(ids, known_of, going)


def _known(
    database: Database,
    machine: Machine,
    source: Source,
    ids: Registered,
    before: Mapping[str, float],
    now: datetime,
) -> Known:
    source_id = ids.sources[source.name]
    release_id = ids.releases[machine.name]
    is_same_budget = before.get(machine.name) == share_of(machine)
    with database.reading() as session:
        account = account_of(session, source_id, release_id)
        return Known(
            account,
            threshold_ids_of(session, source_id, release_id),
            is_same=is_same_budget and bool(account.thresholds),
            moments=moments_of(session, source_id, release_id, now - SINCE),
        )


def _budgets(session: Session) -> dict[str, float]:
    """False alarms a week that each source of a machine was allowed until now."""
    rows = session.execute(
        select(MachineRow.name, MachineRow.budget_per_week, func.count(SourceRow.id))
        .join(SourceRow, (SourceRow.machine_id == MachineRow.id) & SourceRow.listed)
        .group_by(MachineRow.name, MachineRow.budget_per_week)
    )
    return {name: budget / count for name, budget, count in rows}


def _facts(release: Release, data: Path) -> BundleFacts:
    return BundleFacts(
        identity=release.scorer.identity,
        encoder=release.encoder,
        path=str(release.path.relative_to(data)),
        parent=release.scorer.info.provenance.parent,
        report=report_of(release),
        given=release.given,
    )


def report_of(release: Release) -> dict[str, Any]:
    """What a page says of a release."""
    info = release.scorer.info
    origin = info.provenance
    return {
        "machine": info.machine,
        "trained": origin.created,
        "clips": counted(len(origin.trained) + len(origin.held_out), "healthy clip"),
        "outliers": origin.outliers,
        "anomalies": len(origin.anomalies),
        "recipe": info.recipe.name,
        "rattle": origin.rattle,
        "alike": {"within": alike_within(release.scorer.head.centres)},
    }


def _clips(session: Session, row: IncidentRow) -> int:
    count = select(func.count(ClipRow.id)).where(ClipRow.incident_id == row.id)
    return session.scalar(count) or 0
