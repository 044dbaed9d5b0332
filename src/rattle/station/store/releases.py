"""Keep what is offered for a machine, what was shown of it, and who chose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rattle.errors import DataError
from rattle.scoring.budget.rule import Values
from rattle.station.ids import new_id
from rattle.station.store.audit import note
from rattle.station.store.database import insert_into
from rattle.station.store.tables import (
    MachineRow,
    PromotionRow,
    ReleaseRow,
    ReplayedRow,
    StretchRow,
)

OFFERED = ("gating", "candidate", "refused")
# What is made of verdicts: each is offered beside the other.
Made = Literal["head", "encoder"]


@dataclass(frozen=True)
class Offer:
    """A bundle that is offered for a machine; see ``tables.ReleaseRow``."""

    machine_id: str
    kind: Made
    identity: str
    encoder: str
    path: str
    parent_id: str
    report: Mapping[str, Any]
    learnt: Mapping[str, str]


@dataclass(frozen=True)
class Past:
    """What a release makes of a source's sound before it was chosen.

    stretches: the alarms among it that people know of, as the budget counts them.
    """

    source_id: str
    minutes: Values
    stretches: Sequence[StretchRow]


def offer(session: Session, offered: Offer, now: datetime) -> str:
    """Note a bundle that is offered, in place of others of its kind that were; gives its id.

    One that was offered before is offered again; one that was in use goes back to what it is.
    """
    of_machine = ReleaseRow.machine_id == offered.machine_id
    same = select(ReleaseRow).where(of_machine, ReleaseRow.identity == offered.identity)
    row = session.scalar(same)
    supersede(session, offered.machine_id, offered.kind, but=offered.identity)
    if row is None:
        row = ReleaseRow(
            id=new_id(now),
            machine_id=offered.machine_id,
            identity=offered.identity,
            kind=offered.kind,
            encoder=offered.encoder,
            path=offered.path,
            parent_id=offered.parent_id,
            created=now,
            report=dict(offered.report),
            state="gating",
        )
        session.add(row)
    elif row.state not in ("live", "retired"):
        row.state = "gating"
    row.learnt = dict(offered.learnt)
    session.flush()
    return row.id


def supersede(session: Session, machine_id: str, kind: Made, but: str | None = None) -> None:
    """Take back what is offered of a kind, ``but`` for the bundle of that identity."""
    offered = (ReleaseRow.machine_id == machine_id) & ReleaseRow.state.in_(OFFERED)
    offered &= ReleaseRow.kind == kind
    if but is not None:
        offered &= ReleaseRow.identity != but
    session.execute(update(ReleaseRow).where(offered).values(state="superseded"))


def superseded_paths(session: Session, machine_id: str) -> list[str]:
    """List the files of bundles that are offered no more and never were in use."""
    gone = (ReleaseRow.machine_id == machine_id) & (ReleaseRow.state == "superseded")
    return list(session.scalars(select(ReleaseRow.path).where(gone)))


def set_gate(
    session: Session, release_id: str, gate: Mapping[str, Any], *, is_refused: bool
) -> None:
    """Note what was shown of a release: it is refused by that or a candidate, if still offered."""
    row = session.get(ReleaseRow, release_id)
    if row is not None:
        row.gate = dict(gate)
        if row.state in OFFERED:
            row.state = "refused" if is_refused else "candidate"


def promote(
    session: Session, release_id: str, pasts: Sequence[Past], who: str, reason: str, now: datetime
) -> None:
    """Let a release take the place of the live one, with what it makes of the sound before.

    Raises ``DataError`` where there is no such release, or it is live already.
    """
    row = session.get(ReleaseRow, release_id)
    machine = None if row is None else session.get(MachineRow, row.machine_id)
    if row is None or machine is None:
        raise DataError(f"there is no release {release_id}; reload the page and look again")
    if machine.live_release_id == row.id:
        raise DataError(f"the release {release_id} is in use already")
    for past in pasts:
        _write_past(session, release_id, past, now)
    session.add(
        PromotionRow(
            id=new_id(now),
            machine_id=machine.id,
            release_id=row.id,
            before_id=machine.live_release_id,
            at=now,
            who=who,
            reason=reason,
        )
    )
    is_live = (ReleaseRow.machine_id == machine.id) & (ReleaseRow.state == "live")
    session.execute(update(ReleaseRow).where(is_live).values(state="retired"))
    before = session.get(ReleaseRow, machine.live_release_id or "")
    if before is not None and before.encoder != row.encoder:
        # What was offered beside it was fitted to, or compared with, the encoder of before.
        others = (ReleaseRow.machine_id == machine.id) & ReleaseRow.state.in_(OFFERED)
        others &= ReleaseRow.id != row.id
        session.execute(update(ReleaseRow).where(others).values(state="superseded"))
    row.state, machine.live_release_id = "live", row.id
    note(session, now, who, "promote", machine=machine.name, release=row.id, reason=reason)
    session.flush()


def _write_past(session: Session, release_id: str, past: Past, now: datetime) -> None:
    """What it said when it was in use before is counted anew: minutes have other numbers now."""
    own = (StretchRow.source_id == past.source_id) & (StretchRow.release_id == release_id)
    session.execute(delete(StretchRow).where(own))
    session.add_all(past.stretches)
    values = {
        "source_id": past.source_id,
        "release_id": release_id,
        "minutes": past.minutes,
        "until": now.replace(second=0, microsecond=0),
    }
    statement = insert_into(session, ReplayedRow).values(values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "release_id"],
            set_={"minutes": statement.excluded.minutes, "until": statement.excluded.until},
        )
    )
