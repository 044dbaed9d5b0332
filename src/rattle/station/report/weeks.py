"""Name a week as ISO 8601 does, by the clock of the plant: 2026-W12 begins on a Monday at 0:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rattle.errors import DataError

# No clock of a plant is further off, and a time so far away still has a zone.
FIRST_YEAR, LAST_YEAR = 2000, 2199


@dataclass(frozen=True, order=True)
class Week:
    """A week of an ISO year, which may begin in December of the year before.

    Zones are None where it is that of the computer.
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """Read ``2026-W12``; raises ``DataError`` for what is no week."""
        found = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", text)
        week = cls(int(found[1]), int(found[2])) if found else None
        if week is None or not week._exists():
            raise DataError(
                f"{text!r} is no week; expected one as 2026-W12, of the years {FIRST_YEAR} to "
                f"{LAST_YEAR}"
            )
        return week

    @classmethod
    def of(cls, at: datetime, zone: tzinfo | None = None) -> Week:
        """Find the week that a time is in."""
        year, number, _ = at.astimezone(zone).isocalendar()
        return cls(year, number)

    def begins(self, zone: tzinfo | None = None) -> datetime:
        """Say when it begins, UTC."""
        return _midnight(self._monday(), zone)

    def ends(self, zone: tzinfo | None = None) -> datetime:
        """Say when the next one begins, UTC: 167 or 169 hours later where clocks are changed."""
        return _midnight(self._monday() + timedelta(days=7), zone)

    def before(self) -> Week:
        """Name the week before."""
        return Week(*(self._monday() - timedelta(days=7)).isocalendar()[:2])

    def after(self) -> Week:
        """Name the week after."""
        return Week(*(self._monday() + timedelta(days=7)).isocalendar()[:2])

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"

    def _exists(self) -> bool:
        try:
            self._monday()
        except ValueError:
            return False
        return FIRST_YEAR <= self.year <= LAST_YEAR

    def _monday(self) -> date:
        return date.fromisocalendar(self.year, self.number, 1)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    # A time without a zone is taken for the computer's own.
    return datetime.combine(day, time(), zone).astimezone(UTC)
