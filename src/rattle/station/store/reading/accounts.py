"""Read what sessions need of accounts, and what was done last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.station.store.tables import AccountRow, AuditRow

LOGGED_OUT = "logged out"


@dataclass(frozen=True)
class AuditView:
    """Who did what, when."""

    at: datetime
    who: str
    what: str
    detail: Mapping[str, Any]


def audit(session: Session, limit: int = 200) -> list[AuditView]:
    """List what was done last, the newest first."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    return [AuditView(row.at, row.who, row.what, row.detail) for row in session.scalars(query)]


def password_hash(session: Session, name: str) -> str | None:
    """Read what an account's password hashes to; None where there is no such account."""
    return session.scalar(select(AccountRow.password).where(AccountRow.name == name))


def logged_out_since(session: Session, name: str, since: datetime) -> set[str]:
    """List the ids of an account's sessions that were ended since then."""
    query = select(AuditRow.detail).where(
        AuditRow.at >= since, AuditRow.who == name, AuditRow.what == LOGGED_OUT
    )
    return {cast(str, detail.get("id")) for detail in session.scalars(query)}
