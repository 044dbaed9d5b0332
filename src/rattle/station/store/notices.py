"""Keep what channels are to be told, until it was: the outbox.

A notice is known by its channel and key, so that whoever finds it again adds nothing. What is sent
together shares a message's id, which is noted before it is sent: whoever is killed in between sends
it again under the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from rattle.station.ids import new_id
from rattle.station.store.database import insert_into
from rattle.station.store.tables import ChannelRow, IncidentRow, NoticeRow

# What could not be told within a day is no news; what was told is remembered for four weeks.
EXPIRES, KEPT = timedelta(hours=24), timedelta(days=28)


AT_ONCE, TEST = "at once", "test"


@dataclass(frozen=True)
class Notice:
    """Something to tell; see ``tables.NoticeRow``."""

    channel: str
    what: str
    key: str
    at: datetime
    body: Mapping[str, Any]
    incident_id: str | None = None


def known_since(session: Session, channels: Collection[str], now: datetime) -> dict[str, datetime]:
    """Say from when on each channel is told, which is from now on where it is new."""
    known = {row.name: row.since for row in session.scalars(select(ChannelRow))}
    for name in channels:
        if name not in known:
            session.add(ChannelRow(name=name, since=now))
    session.flush()
    return {name: known.get(name, now) for name in channels}


def add(session: Session, notices: Sequence[Notice], now: datetime) -> None:
    """Add those that are not there yet."""
    for each in notices:
        statement = insert_into(session, NoticeRow).values(
            id=new_id(now),
            channel=each.channel,
            what=each.what,
            key=each.key,
            incident_id=each.incident_id,
            body=dict(each.body),
            at=each.at,
            due=each.at,
            state="waiting",
            tries=0,
        )
        session.execute(statement.on_conflict_do_nothing(index_elements=["channel", "key"]))


def keys_of(session: Session, since: datetime) -> dict[str, dict[str, bool]]:
    """List the keys of notices by channel, and whether each was tried.

    One that was tried may have been told, and is not taken back. Those of incidents that ended
    before ``since`` are left out.
    """
    lately = select(IncidentRow.id).where(
        or_(IncidentRow.state == "open", IncidentRow.ended >= since)
    )
    query = select(NoticeRow.channel, NoticeRow.key, ~_untried()).where(
        or_(NoticeRow.incident_id.is_(None), NoticeRow.incident_id.in_(lately))
    )
    keys: dict[str, dict[str, bool]] = {}
    for channel, key, tried in session.execute(query):
        keys.setdefault(channel, {})[key] = bool(tried)
    return keys


def begun_at_once(session: Session) -> dict[str, dict[str, datetime]]:
    """Say when machines began to sound odd at once, as far as that was told, by channel and key."""
    query = select(NoticeRow.channel, NoticeRow.key, NoticeRow.body)
    begun: dict[str, dict[str, datetime]] = {}
    is_at_once = NoticeRow.incident_id.is_(None) & (NoticeRow.what == AT_ONCE)
    for channel, key, body in session.execute(query.where(is_at_once)):
        begun.setdefault(channel, {})[key] = datetime.fromisoformat(body["begin"])
    return begun


def channels_due(session: Session, now: datetime) -> set[str]:
    """Name the channels that something is to be sent to."""
    due = (NoticeRow.state == "waiting") & (NoticeRow.due <= now)
    return set(session.scalars(select(NoticeRow.channel).where(due).distinct()))


def take_back(session: Session, channel: str, keys: Collection[str]) -> None:
    """Remove notices that nobody need be told any more, if they have not been tried."""
    of = (NoticeRow.channel == channel) & NoticeRow.key.in_([*keys])
    session.execute(delete(NoticeRow).where(of, _untried()))


def _untried() -> ColumnElement[bool]:
    return (NoticeRow.state == "waiting") & NoticeRow.message.is_(None)


def waiting(session: Session, channel: str) -> Sequence[NoticeRow]:
    """List what a channel is still to be told, what is due first."""
    query = select(NoticeRow).where(NoticeRow.state == "waiting", NoticeRow.channel == channel)
    return session.scalars(query.order_by(NoticeRow.at, NoticeRow.id)).all()


def sent_since(session: Session, channel: str, since: datetime) -> list[datetime]:
    """List when the channel's messages since then were sent, the oldest first; no tests."""
    query = (
        select(func.max(NoticeRow.sent))
        .where(NoticeRow.channel == channel, NoticeRow.state == "sent", NoticeRow.sent > since)
        .where(NoticeRow.what != TEST)
        .group_by(NoticeRow.message)
    )
    return sorted(at for at in session.scalars(query) if at is not None)


def was_sent(session: Session, message: str, now: datetime) -> None:
    """Note that a message was taken by its receiver."""
    of = (NoticeRow.message == message) & (NoticeRow.state == "waiting")
    values = {"state": "sent", "sent": now, "error": None}
    session.execute(update(NoticeRow).where(of).values(**values, tries=NoticeRow.tries + 1))


def was_refused(session: Session, message: str, error: str, due: datetime) -> None:
    """Note why a message could not be sent, and when it is tried again."""
    of = (NoticeRow.message == message) & (NoticeRow.state == "waiting")
    values = {"error": error, "due": due}
    session.execute(update(NoticeRow).where(of).values(**values, tries=NoticeRow.tries + 1))


def tidy(session: Session, now: datetime, going_on: Collection[str]) -> None:
    """Give up what could not be told within a day, and delete what was told long ago.

    Of channels that left the file as well. What goes on is remembered, as it would be told again:
    ``going_on`` are keys of machines at once of which one still does, since they name no incident.
    """
    session.execute(update(NoticeRow).where(_is_late(now)).values(state="expired"))
    session.execute(delete(NoticeRow).where(_is_old(now), NoticeRow.key.not_in(going_on)))


def is_untidy(session: Session, now: datetime, going_on: Collection[str]) -> bool:
    """Tell whether ``tidy`` has anything to do."""
    is_old = _is_old(now) & NoticeRow.key.not_in(going_on)
    found = (select(NoticeRow.id).where(each).limit(1) for each in (_is_late(now), is_old))
    return any(session.scalar(each) is not None for each in found)


def _is_late(now: datetime) -> ColumnElement[bool]:
    return (NoticeRow.state == "waiting") & (NoticeRow.at < now - EXPIRES)


def _is_old(now: datetime) -> ColumnElement[bool]:
    goes_on = IncidentRow.ended.is_(None) | (IncidentRow.ended >= now - KEPT)
    of_that = select(IncidentRow.id).where(IncidentRow.id == NoticeRow.incident_id, goes_on)
    return (NoticeRow.state != "waiting") & (NoticeRow.at < now - KEPT) & ~of_that.exists()
