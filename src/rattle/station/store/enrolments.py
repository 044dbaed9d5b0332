"""Remember machines that are being enrolled or were: who began it, how far it is, what came of it.

An enrolment belongs to the station that began it (``node``): its sound lies in that one's folder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.station.store.audit import note
from rattle.station.store.leases import time_of
from rattle.station.store.tables import EnrolmentRow, MachineRow, SourceRow, StationRow

EnrolmentState = Literal[
    "recording", "ready", "fitting", "offered", "failed", "accepted", "discarded"
]
STATES: tuple[EnrolmentState, ...] = get_args(EnrolmentState)


@dataclass(frozen=True)
class Enrolment:
    """One of them; see ``tables.EnrolmentRow``."""

    id: str
    node: str
    name: str
    state: EnrolmentState
    config: Mapping[str, Any]
    encoder: str
    wanted_s: float
    at_once: bool
    created: datetime
    who: str
    reason: str = ""
    report: Mapping[str, Any] | None = None


def enrolments(session: Session, node: str | None = None) -> list[Enrolment]:
    """List those that were not discarded, of a station or of all, in the order of time."""
    rows = select(EnrolmentRow).where(EnrolmentRow.state != "discarded").order_by(EnrolmentRow.id)
    if node is not None:
        rows = rows.where(EnrolmentRow.node == node)
    return [_view(row) for row in session.scalars(rows)]


def enrolment(session: Session, id_: str) -> Enrolment | None:
    """Read one; None where there is none of that id."""
    row = session.get(EnrolmentRow, id_)
    return None if row is None else _view(row)


def adopt(session: Session, node: str, here: Collection[str], now: datetime) -> None:
    """Let a station have those whose recordings are ``here``, by id, and that no other one has.

    A station that was restored, or whose folder was moved, was called otherwise before.
    """
    own = [EnrolmentRow.id.in_(here)]
    if session.get_bind().dialect.name == "postgresql":
        alive = select(StationRow.node).where(StationRow.until > time_of(session, now))
        own.append(EnrolmentRow.node.not_in(alive))
    session.execute(update(EnrolmentRow).where(*own).values(node=node))


def begin(session: Session, begun: Enrolment, sources: Collection[str]) -> None:
    """Note a new one, with its ``sources``' names.

    Raises ``DataError`` where a machine or source of the plant, or another enrolment, is called so.
    """
    names = {
        name.casefold()
        for name in session.scalars(select(MachineRow.name).where(MachineRow.listed))
    }
    others = enrolments(session)
    names |= {each.name.casefold() for each in others}
    if begun.name.casefold() in names:
        raise DataError(
            f"a machine of this plant is called {begun.name}; give the new one another name"
        )
    taken = {
        name.casefold() for name in session.scalars(select(SourceRow.name).where(SourceRow.listed))
    }
    taken |= {str(source["name"]).casefold() for e in others for source in e.config["sources"]}
    for source in sources:
        if source.casefold() in taken:
            raise DataError(
                f"a source of this plant is called {source}; give the new one another name"
            )
    row = EnrolmentRow(**{**vars(begun), "config": dict(begun.config), "report": None})
    session.add(row)
    note(session, begun.created, begun.who, "enrol", machine=begun.name, enrolment=begun.id)
    session.flush()


def change(
    session: Session,
    id_: str,
    state: EnrolmentState,
    among: Collection[EnrolmentState],
    **fields: Any,
) -> Enrolment:
    """Bring one from a state ``among`` those given to another, and set other ``fields``.

    Raises ``DataError`` where it is in none of them: someone else was faster.
    """
    row = session.get(EnrolmentRow, id_)
    if row is None:
        raise DataError(f"there is no enrolment {id_}; reload the page and look again")
    if row.state not in among:
        raise DataError(f"{row.name} is {SAID[row.state]}: that cannot be done now")
    row.state = state
    for name, value in fields.items():
        setattr(row, name, value)
    session.flush()
    return _view(row)


def _view(row: EnrolmentRow) -> Enrolment:
    return Enrolment(**{name: getattr(row, name) for name in Enrolment.__dataclass_fields__})


SAID = {
    "recording": "being recorded",
    "ready": "recorded in full",
    "fitting": "getting its detector at this moment",
    "offered": "waiting to be watched, or discarded",
    "failed": "without a detector, since making one failed",
    "accepted": "watched already",
    "discarded": "discarded",
}
