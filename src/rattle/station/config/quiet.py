"""Read quiet hours, and say when those that go on end: in the local time of the station's computer.

A computer in a container takes the zone from the environment variable TZ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True)
class QuietHours:
    """From ``begin`` to ``end`` of each day; over midnight where the end is the earlier one."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read ``22:00-06:00``.

        >>> QuietHours.parse("22:00-06:00").end
        datetime.time(6, 0)
        """
        clock = r"([01]\d|2[0-3]):([0-5]\d)"
        found = re.fullmatch(rf"{clock}-{clock}", text, re.ASCII)
        if found is None or found[1] + found[2] == found[3] + found[4]:
            raise ValueError('expected two different times of the day, such as "22:00-06:00"')
        return cls(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))

    def until(self, now: datetime, zone: tzinfo | None = None) -> datetime | None:
        """Say when the quiet hours end that ``now`` falls in; None where it falls in none.

        ``zone`` is that of the plant; without it, the computer's.
        """
        local = now.astimezone(zone)
        clock, day = local.time(), local.date()
        is_over_midnight = self.end < self.begin
        is_late = clock >= self.begin
        if not (
            (is_late or clock < self.end) if is_over_midnight else (is_late and clock < self.end)
        ):
            return None
        if is_over_midnight and is_late:
            day += timedelta(days=1)
        # The clock on the wall counts: where it is set ahead meanwhile, they are an hour shorter.
        end = datetime.combine(day, self.end, zone)
        return end.astimezone(now.tzinfo)


def quiet_hours(text: str) -> str:
    """Check that a text is quiet hours."""
    QuietHours.parse(text)
    return text
