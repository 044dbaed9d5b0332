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


def keys_of(session: Session, *, tried: bool = False) -> dict[str, set[str]]:
    """List the keys of all notices that there are, by channel; or of those that were ``tried``.

    Those may have been told, and are not taken back.
    """
    query = select(NoticeRow.channel, NoticeRow.key)
    if tried:
        query = query.where(~_untried())
    keys: dict[str, set[str]] = {}
    for channel, key in session.execute(query):
        keys.setdefault(channel, set()).add(key)
    return keys


def begun_at_once(session: Session) -> dict[str, dict[str, datetime]]:
    """Say when machines began to sound odd at once, as far as that was told, by channel and key."""
    query = select(NoticeRow.channel, NoticeRow.key, NoticeRow.body)
    begun: dict[str, dict[str, datetime]] = {}
    for channel, key, body in session.execute(query.where(NoticeRow.what == AT_ONCE)):
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


def expire(session: Session, now: datetime) -> None:
    """Give up what could not be told within a day, of channels that left the file as well."""
    late = (NoticeRow.state == "waiting") & (NoticeRow.at < now - EXPIRES)
    session.execute(update(NoticeRow).where(late).values(state="expired"))


def forget(session: Session, now: datetime, going_on: Collection[str]) -> None:
    """Delete what was told long ago; not of what goes on, which would be told again.

    ``going_on`` are keys of machines at once of which one still does: they name no one incident.
    """
    ended = select(IncidentRow.id).where(IncidentRow.ended < now - KEPT)
    is_over = or_(NoticeRow.incident_id.is_(None), NoticeRow.incident_id.in_(ended))
    old = (NoticeRow.state != "waiting") & (NoticeRow.at < now - KEPT)
    session.execute(delete(NoticeRow).where(old, is_over, NoticeRow.key.not_in(going_on)))
