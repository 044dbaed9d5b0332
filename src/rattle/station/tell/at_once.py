"""Find machines that sound odd at once: they have a cause in common, as the mains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# More than so many incidents of machines within this have one cause.
COMMON, WITHIN = 5, timedelta(minutes=10)


@dataclass(frozen=True)
class AtOnce:
    """The ten minutes from the first of them on: what begins in these is told as one."""

    begin: datetime

    @property
    def end(self) -> datetime:
        return self.begin + WITHIN

    def covers(self, opened: datetime) -> bool:
        """Tell whether an incident that began then is one of them."""
        return self.begin <= opened <= self.end


def new_at_once(opened: Sequence[datetime], known: Sequence[AtOnce]) -> list[AtOnce]:
    """Find those that are not known yet; ``opened`` is when incidents began, in time order.

    One is known from the moment on at which it was found, and never moves: an incident is counted
    for the one that covers it and no other.

    >>> from datetime import UTC
    >>> six = [datetime(2026, 3, 1, 12, minute, tzinfo=UTC) for minute in range(6)]
    >>> new_at_once(six, []) == [AtOnce(six[0])]
    True
    """
    free = [at for at in opened if not any(each.covers(at) for each in known)]
    found: list[AtOnce] = []
    place = 0
    while place + COMMON < len(free):
        first = AtOnce(free[place])
        if first.covers(free[place + COMMON]):
            found.append(first)
            while place < len(free) and first.covers(free[place]):
                place += 1
        else:
            place += 1
    return found
