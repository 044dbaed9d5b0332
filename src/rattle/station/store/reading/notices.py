"""Count what channels were told, and what they are still to be told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rattle.station.store.tables import NoticeRow


@dataclass(frozen=True)
class Counts:
    """Notices of a channel by their state, of the last four weeks, and when one went last.

    error: why the one that is tried cannot be sent, "" where none fails.
    """

    waiting: int = 0
    sent: int = 0
    expired: int = 0
    last_sent: datetime | None = None
    error: str = ""


def told(session: Session) -> dict[str, Counts]:
    """Count by the channel's name; one that has no notice is left out."""
    counted = select(NoticeRow.channel, NoticeRow.state, func.count(), func.max(NoticeRow.sent))
    found: dict[str, Counts] = {}
    for channel, state, count, last in session.execute(
        counted.group_by(NoticeRow.channel, NoticeRow.state)
    ):
        before = found.get(channel, Counts())
        changed: dict[str, Any] = {state: count, "last_sent": last or before.last_sent}
        found[channel] = replace(before, **changed)
    failing = select(NoticeRow.channel, NoticeRow.error).where(
        NoticeRow.state == "waiting", NoticeRow.error.is_not(None)
    )
    for channel, error in session.execute(failing):
        found[channel] = replace(found[channel], error=error or "")
    return found
