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
from rattle.station.store.tables import ClipRow, MachineRow, ReleaseRow

# Sources whose past is read at the same time.
AT_ONCE = 4
# Where a release's report keeps the budget that its thresholds are fitted to.
ALLOWED = "allowed_per_week"


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
    """Ids of all that the file names, and what the station is called among those of its database
    (node)."""

    ids: Registered
    node: str


@dataclass(frozen=True)
class Taken:
    """Ids of machines that are taken, and what each source's thresholds allowed before.

    That is in false alarms a week, by the machine's name; of a bundle that judged none there is
    nothing.
    """

    ids: Registered
    before: Mapping[str, float]


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
    ids = register(session, plant, {}, now)
    at, host, node = time_of(session, now), socket.gethostname(), node_of(plant)
    address = plant.web.address or f"http://{plant.web.bind}"
    join(session, node, host, address, [*ids.sources.values()], at, at + lease)
    return Entered(ids, node)


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
) -> Taken:
    """Take the bundles of machines into use, and end what was interrupted of these.

    ``releases`` are by the machine's name.
    """
    facts = {each.name: _facts(releases[each.name], each, plant.data) for each in machines}
    before = _allowed_before(session, facts)
    taken = plant.model_copy(update={"machine": tuple(machines)})
    places = {machine.name: place for place, machine in enumerate(plant.machine)}
    ids = register(session, taken, facts, now, places)
    interrupt(session, time_of(session, now), [*ids.sources.values()])
    return Taken(ids, before)


def recall(
    database: Database,
    machines: Sequence[Machine],
    taken: Taken,
    now: datetime,
) -> Beginning:
    """Recall what was known, several sources at a time: of hundreds it takes a while."""
    of = [(machine, source) for machine in machines for source in machine.sources]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        known = pool.map(lambda each: _known(database, each[0], each[1], taken, now), of)
        known_of = {source.name: each for (_, source), each in zip(of, known, strict=True)}
    with database.reading() as session:
        open_ = open_incidents(session, [taken.ids.machines[each.name] for each in machines])
        clips = _clips(session, [row.id for row in open_])
        going = [Going(record_of(row), clips.get(row.id, 0)) for row in open_]
    return Beginning(taken.ids, known_of, going)


def _known(
    database: Database,
    machine: Machine,
    source: Source,
    taken: Taken,
    now: datetime,
) -> Known:
    source_id = taken.ids.sources[source.name]
    release_id = taken.ids.releases[machine.name]
    is_same_budget = taken.before.get(machine.name) == share_of(machine)
    with database.reading() as session:
        account = account_of(session, source_id, release_id)
        return Known(
            account,
            threshold_ids_of(session, source_id, release_id),
            is_same=is_same_budget and bool(account.thresholds),
            moments=moments_of(session, source_id, release_id, now - SINCE),
        )


def _allowed_before(session: Session, facts: Mapping[str, BundleFacts]) -> dict[str, float]:
    """What thresholds by these bundles allow each source a week, by the machine's name.

    By the bundle and not by the machine: the station that reads a changed file first is not always
    the one that takes the machine.
    """
    rows = session.execute(
        select(MachineRow.name, ReleaseRow.identity, ReleaseRow.report)
        .join(ReleaseRow, ReleaseRow.machine_id == MachineRow.id)
        .where(MachineRow.name.in_(facts))
    )
    return {
        name: report[ALLOWED]["of_a_source"]
        for name, identity, report in rows
        if identity == facts[name].identity and ALLOWED in report
    }


def allowed_by(machine: Machine) -> dict[str, Any]:
    """What is noted of the budget of a release that comes into use: part of its report."""
    return {ALLOWED: {"of_a_source": share_of(machine)}}


def _facts(release: Release, machine: Machine, data: Path) -> BundleFacts:
    return BundleFacts(
        identity=release.scorer.identity,
        encoder=release.encoder,
        path=str(release.path.relative_to(data)),
        parent=release.scorer.info.provenance.parent,
        report=report_of(release) | allowed_by(machine),
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


def _clips(session: Session, incident_ids: Sequence[str]) -> dict[str | None, int]:
    """Count the recordings of incidents; of one without there is nothing."""
    count = select(ClipRow.incident_id, func.count()).where(ClipRow.incident_id.in_(incident_ids))
    return dict(session.execute(count.group_by(ClipRow.incident_id)).all())
