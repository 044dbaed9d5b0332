"""Read what a broker is told: machines' incidents with the newest last, releases, and who left."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.station.store.reading.incidents import incidents_of
from rattle.station.store.reading.views import IncidentView
from rattle.station.store.tables import IncidentRow, MachineRow, ReleaseRow


def newest_ids(session: Session, machine_ids: Collection[str]) -> list[str]:
    """Name the newest incident of each of these machines that passed a threshold."""
    stood_out = (IncidentRow.kind == "machine") & (IncidentRow.level != "moment")
    stood_out &= IncidentRow.machine_id.in_(machine_ids)
    last = (
        select(IncidentRow.machine_id, func.max(IncidentRow.opened).label("opened"))
        .where(stood_out)
        .group_by(IncidentRow.machine_id)
        .subquery()
    )
    query = select(func.max(IncidentRow.id)).join(
        last,
        (IncidentRow.machine_id == last.c.machine_id) & (IncidentRow.opened == last.c.opened),
    )
    found = session.scalars(query.where(stood_out).group_by(IncidentRow.machine_id))
    return [each for each in found if each is not None]


def in_order(session: Session, incident_ids: Collection[str]) -> list[IncidentView]:
    """Read machines' incidents, each machine's in the order of their opening.

    Where the newest of a machine is not among them, it follows: what was said last is of it.
    """
    asked = incidents_of(session, [*incident_ids])
    found = {
        each.id: each
        for each in asked.values()
        if each.kind == "machine" and each.level != "moment"
    }
    newest = newest_ids(session, {each.machine_id for each in found.values()})
    found |= incidents_of(session, [each for each in newest if each not in found])
    return sorted(found.values(), key=lambda each: (each.opened, each.id))


def identity_of(session: Session, release_id: str) -> str:
    """Give the identity of a release's bundle."""
    return session.scalar(select(ReleaseRow.identity).where(ReleaseRow.id == release_id)) or ""


def left(session: Session) -> list[tuple[str, str]]:
    """List ids and names of the machines that no station names any more."""
    query = select(MachineRow.id, MachineRow.name).where(~MachineRow.listed)
    return [(id_, name) for id_, name in session.execute(query)]
