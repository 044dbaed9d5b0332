"""Take from the outbox what a channel is sent next: one message at a time, never too many.

waiting ── quiet hours? six sent within the hour? ── held, and told together later
        `─ else the next one, with the id of a message, which is stored before it is sent
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from rattle.station.config.quiet import QuietHours
from rattle.station.config.told import Tell
from rattle.station.ids import new_id
from rattle.station.store.notices import TEST, sent_since, waiting
from rattle.station.store.tables import NoticeRow
from rattle.station.tell.message import Message, Told

MOST_AN_HOUR, HOUR = 6, timedelta(hours=1)
# A message that is being sent is nobody else's for so long: longer than sending takes.
SENDING = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


def next_message(
    session: Session, tell: Tell, plant: str, now: datetime, zone: tzinfo | None = None
) -> Message | None:
    """Take what is due, or hold it; None where there is nothing to send at the moment.

    A message that could not be sent goes before what came after it, and keeps its id.
    """
    rows = waiting(session, tell.name)
    tests = [row for row in rows if row.what == TEST and row.due <= now]
    if tests:
        return _taken(tests[:1], plant, now)
    rows = [row for row in rows if row.what != TEST]
    begun = [row for row in rows if row.message is not None]
    due = [row for row in begun or rows if row.due <= now]
    if not due:
        return None
    sent = sent_since(session, tell.name, now - HOUR)
    until = _quiet_until(tell, now, zone)
    if until is None and not begun and len(sent) >= MOST_AN_HOUR:
        until = sent[-MOST_AN_HOUR] + HOUR
    if until is not None:
        for row in due:
            row.due = until
        return None
    return _taken(due if begun else _together(due, MOST_AN_HOUR - len(sent)), plant, now)


def wait_after(tries: int) -> timedelta:
    """Say how long to wait after so many tries: 30 s, a minute, two and so on, an hour at most."""
    return min(FIRST_WAIT * (1 << min(tries, 10)), LONGEST_WAIT)


def _quiet_until(tell: Tell, now: datetime, zone: tzinfo | None) -> datetime | None:
    return None if tell.quiet is None else QuietHours.parse(tell.quiet).until(now, zone)


def _together(due: Sequence[NoticeRow], room: int) -> Sequence[NoticeRow]:
    """Choose what goes in one message: all where some were held or it is the last of the hour."""
    was_held = any(row.due > row.at for row in due)
    if was_held or room == 1:
        return due
    if due[0].what == "review":
        return [row for row in due if row.what == "review"]
    return due[:1]


def _taken(rows: Sequence[NoticeRow], plant: str, now: datetime) -> Message:
    message = rows[0].message or new_id(now)
    for row in rows:
        row.message, row.due = message, now + SENDING
    told = [Told(row.id, row.what, row.at, row.body) for row in rows]
    return Message(message, plant, told, tries=max(row.tries for row in rows))
