"""Write minutes; what the budget counts of them stays whole, whatever time they have.

A ledger is read from its newest row back, by numbers that follow on each other. Where a clock was
set back, or an older recording comes to a folder after a newer one, the numbers go on and the time
does not: M of such a minute is kept in the row that is the newest.

    at   12:00  12:01  ...  12:59  13:00 | the clock is set to 12:00; the next M are 61 and 62
    M        1      2          60     -  |
    row      1      2          60  61 62
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from rattle.station.records import MinuteHeard
from rattle.station.store.database import insert_into
from rattle.station.store.minute_parts import joined, with_minutes_of
from rattle.station.store.tables import MinuteRow, SourceRow

FIELDS = tuple(field.name for field in fields(MinuteHeard))

Key = tuple[str, datetime]


def write_minutes(session: Session, minutes: Sequence[MinuteHeard]) -> None:
    """Write minutes in the order in which they were heard; each time and again, the same comes."""
    if not minutes:
        return
    newest = _newest(session, minutes)
    keys = {(minute.source_id, minute.at) for minute in minutes}
    rows = _known(session, keys | {(of[0], at) for of, at in newest.items()})
    changed: dict[Key, dict[str, Any]] = {}

    def change(key: Key, minute: MinuteHeard) -> None:
        rows[key] = minute
        changed[key] = {name: getattr(minute, name) for name in FIELDS}

    for minute in minutes:
        key, of = (minute.source_id, minute.at), (minute.source_id, minute.release_id)
        last_key = minute.source_id, newest.get(of, minute.at)
        last = rows.get(last_key)
        if last is not None and last.at > minute.at and _goes_on(last, minute):
            change(last_key, with_minutes_of(last, minute))
            minute = replace(minute, minutes=())
        newest[of] = max(newest.get(of, minute.at), minute.at)
        change(key, joined(rows[key], minute) if key in rows else minute)
    statement = insert_into(session, MinuteRow)
    statement = statement.on_conflict_do_update(
        index_elements=["source_id", "at"],
        set_={name: statement.excluded[name] for name in FIELDS[1:] if name != "at"},
    )
    session.execute(statement, list(changed.values()))


def _goes_on(row: MinuteHeard, minute: MinuteHeard) -> bool:
    """Whether a minute was heard after those of a row, or was one of them already."""
    return minute.heard > row.heard - len(row.minutes)


def _newest(session: Session, minutes: Sequence[MinuteHeard]) -> dict[tuple[str, str], datetime]:
    """Find the newest rows of sources and releases, of those that have one after these minutes.

    There mostly is none, which is asked for at once.
    """
    earliest = min(minute.at for minute in minutes)
    is_later = exists().where(MinuteRow.source_id == SourceRow.id, MinuteRow.at > earliest)
    are_of = SourceRow.id.in_({minute.source_id for minute in minutes})
    later = set(session.scalars(select(SourceRow.id).where(are_of, is_later)))
    newest = {}
    for of in {(minute.source_id, minute.release_id) for minute in minutes}:
        is_of = (MinuteRow.source_id == of[0]) & (MinuteRow.release_id == of[1])
        found = select(MinuteRow.at).where(is_of).order_by(MinuteRow.at.desc()).limit(1)
        if of[0] in later and (at := session.scalar(found)) is not None:
            newest[of] = at
    return newest


def _known(session: Session, keys: set[Key]) -> dict[Key, MinuteHeard]:
    columns = [getattr(MinuteRow, name) for name in FIELDS]
    found = session.execute(
        select(*columns).where(
            MinuteRow.source_id.in_({source_id for source_id, _ in keys}),
            MinuteRow.at.in_({at for _, at in keys}),
        )
    )
    known = {}
    for row in found:
        values = dict(row._mapping) | {"minutes": tuple(row.minutes.tolist())}
        known[row.source_id, row.at] = MinuteHeard(**values)
    return known
