"""Look once a day, when it is over, whether a source has come to hear its machine otherwise.

A drift is an incident of its own kind, no alarm and no microphone's fault. It ends when the sound
is as it was, or another release takes over, or when a person reviewed it: whatever they said, what
is heard from then on is what later days are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.scoring.budget.fit import Tail
from rattle.scoring.budget.ledger import Ledger
from rattle.scoring.drift import FIRST_DAYS, Shift, matters, rate_factor, shift_of
from rattle.station.ids import new_id
from rattle.station.records import IncidentChanged, Record
from rattle.station.store.database import Database
from rattle.station.store.days import (
    A_DAY,
    day_of,
    days_noted,
    first_to_note,
    last_looked_at,
    note_day,
    open_drift,
    read_day,
)
from rattle.station.store.history import account_of
from rattle.station.store.incident_rows import record_of
from rattle.station.store.tables import IncidentRow, SourceRow

# In one go, so that the watchdog, which waits meanwhile, waits some seconds: a plant of hundreds of
# sources that was heard for a year before this was looked for is caught up with in a day.
MOST_DAYS = 1000


class Drifts:
    """Tells what drifts. ``in_use`` says by source which release scores it; ``tell`` is the
    scribe's."""

    def __init__(
        self,
        database: Database,
        in_use: Callable[[], Mapping[str, str]],
        tell: Callable[[Record], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._in_use, self._tell, self._now = database, in_use, tell, now
        self._next: dict[tuple[str, str], datetime] = {}  # the day to note next
        self._judged: dict[str, tuple[str, datetime]] = {}  # by which release, until which day

    def look(self) -> None:
        """Note the days that are over, and judge each source that has a new one."""
        today, left = day_of(self._now()), MOST_DAYS
        for source_id, release_id in self._in_use().items():
            left -= self._note(source_id, release_id, today, left)
            if left <= 0:
                return
            if self._judged.get(source_id) != (release_id, today):
                self._judged[source_id] = release_id, today
                self._judge(source_id, release_id)

    def reviewed(self, incident_ids: Sequence[str]) -> None:
        """Know that people reviewed these incidents, or took that back: drifts among them end."""
        of = IncidentRow.id.in_(incident_ids) & (IncidentRow.kind == "drift")
        with self._database.reading() as session:
            rows = session.scalars(select(IncidentRow).where(of)).all()
        for row in rows:
            if row.verdict is None:
                self._judged.pop(row.source_id, None)
            elif row.state == "open":
                self._end(row)

    def _note(self, source_id: str, release_id: str, today: datetime, most: int) -> int:
        """Note at most so many days; gives how many were looked at."""
        key = (source_id, release_id)
        with self._database.reading() as session:
            at = self._next.get(key) or first_to_note(session, source_id, release_id) or today
            days, begin = [], at
            while at < today and (at - begin) / A_DAY < most:
                days.append(read_day(session, source_id, release_id, at))
                at += A_DAY
        with_sound = [day for day in days if day is not None]
        if with_sound:
            with self._database.writing() as session:
                for day in with_sound:
                    note_day(session, source_id, release_id, day)
        self._next[key] = at
        return len(days)

    def _judge(self, source_id: str, release_id: str) -> None:
        with self._database.reading() as session:
            going = open_drift(session, source_id)
            reason = _reason(session, source_id, release_id, goes_on=going is not None)
            source = session.get(SourceRow, source_id)
        if going is not None and not reason:
            self._end(going)
        elif going is not None and going.reason != reason:
            self._tell(replace(record_of(going), reason=reason))
        elif going is None and reason and source is not None:
            self._tell(_opened(source, reason, self._now()))

    def _end(self, row: IncidentRow) -> None:
        ended = max(self._now(), row.opened)
        self._tell(replace(record_of(row), state="ended", ended=ended))


def _reason(session: Session, source_id: str, release_id: str, *, goes_on: bool) -> str:
    """Say since when a source hears its machine otherwise, and how much; "" where it does not."""
    looked_at = last_looked_at(session, source_id)
    days, medians = days_noted(session, source_id, release_id, looked_at)
    shift = shift_of(medians, goes_on=goes_on)
    if shift is None:
        return ""
    account = account_of(session, source_id, release_id)
    # What is left out of the fit is the same by any budget.
    ledger = Ledger(1.0, account)
    tail = Tail.of(ledger.minutes, ledger.left_out(), ledger.unreviewed())
    threshold = account.thresholds.get("alarm")
    if tail is None or threshold is None:
        return ""
    if not matters(tail, threshold.value, shift, goes_on=goes_on):
        return ""
    factor = rate_factor(tail, threshold.value, shift.by)
    usual = f"the {FIRST_DAYS} days from {days[0]:%Y-%m-%d} on"
    return f"since {days[shift.since]:%Y-%m-%d} {_said(shift, factor, usual)}"


def _said(shift: Shift, factor: float, usual: str) -> str:
    than = "higher" if shift.by > 0 else "lower"
    times = "more than 100 times" if factor > 100 else f"about {factor:.2g} times"
    if factor < 0.01:
        times = "less than 0.01 times"
    return (
        f"the score is {abs(shift.by):.2g} {than} than in {usual}; a healthy machine passes the "
        f"alarm's threshold {times} as often as it would have then"
    )


def _opened(source: SourceRow, reason: str, now: datetime) -> IncidentChanged:
    return IncidentChanged(
        id=new_id(now),
        machine_id=source.machine_id,
        source_id=source.id,
        subject=source.id,
        kind="drift",
        level="watch",
        state="open",
        opened=now,
        ended=None,
        peak=None,
        peak_at=None,
        peak_z=None,
        release_id=None,
        threshold_id=None,
        reason=reason,
    )
