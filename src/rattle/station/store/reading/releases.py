"""List the bundles that are or were in use for machines, or are offered, and who chose them."""

from __future__ import annotations

from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.store.reading.views import (
    PromotionView,
    ReleaseKind,
    ReleaseState,
    ReleaseView,
)
from rattle.station.store.tables import PromotionRow, ReleaseRow


def releases(session: Session, machine_id: str | None = None) -> list[ReleaseView]:
    """List the releases of a machine, or of all, the newest first; not what was taken back."""
    query = select(ReleaseRow).where(ReleaseRow.state != "superseded")
    query = query.order_by(ReleaseRow.created.desc(), ReleaseRow.id.desc())
    if machine_id is not None:
        query = query.where(ReleaseRow.machine_id == machine_id)
    return [_view(row) for row in session.scalars(query)]


def release(session: Session, release_id: str) -> ReleaseView | None:
    """Find one; None where there is none of that id."""
    row = session.get(ReleaseRow, release_id)
    return None if row is None else _view(row)


def promotions(session: Session, machine_id: str) -> list[PromotionView]:
    """List who chose which release of a machine, the newest first."""
    query = select(PromotionRow).where(PromotionRow.machine_id == machine_id)
    query = query.order_by(PromotionRow.at.desc(), PromotionRow.id.desc())
    return [
        PromotionView(row.release_id, row.before_id, row.at, row.who, row.reason)
        for row in session.scalars(query)
    ]


def _view(row: ReleaseRow) -> ReleaseView:
    return ReleaseView(
        id=row.id,
        machine_id=row.machine_id,
        identity=row.identity,
        kind=cast(ReleaseKind, row.kind),
        encoder=row.encoder,
        parent_id=row.parent_id,
        state=cast(ReleaseState, row.state),
        report=row.report,
        gate=row.gate,
        learnt=row.learnt,
        created=row.created,
    )
