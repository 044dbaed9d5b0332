"""Read which stations share the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from rattle.station.store.tables import StationRow


@dataclass(frozen=True)
class StationView:
    """A station: what people call it, and where its page is."""

    name: str
    address: str


def station(session: Session, node: str) -> StationView | None:
    """Find a station; None where none of that name has been there lately."""
    row = session.get(StationRow, node)
    return None if row is None else StationView(row.name, row.address)
