"""Slow down whoever tries passwords: each failure makes the next try wait longer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

FORGOTTEN_AFTER = timedelta(minutes=30)
LONGEST_WAIT_S = 60
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class _Failures:
    count: int
    last: datetime


class Throttle:
    """Counts failures by a key, such as a name or an address; ``free`` of them cost nothing.

    >>> from datetime import UTC
    >>> throttle, at = Throttle(free=2), datetime(2026, 1, 1, tzinfo=UTC)
    >>> for _ in range(4):
    ...     throttle.failed("ada", at)
    >>> throttle.wait_s("ada", at)
    2
    """

    def __init__(self, free: int) -> None:
        self._free = free
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, key: str, now: datetime) -> int:
        """Say for how many more seconds a try of that key is refused."""
        with self._lock:
            failures = self._failures.get(key)
        if failures is None or now - failures.last > FORGOTTEN_AFTER:
            return 0
        over = failures.count - self._free
        wait = min(2 ** min(over - 1, 10), LONGEST_WAIT_S) if over > 0 else 0
        left = timedelta(seconds=wait) - (now - failures.last)
        return max(-(-left // timedelta(seconds=1)), 0)

    def failed(self, key: str, now: datetime) -> None:
        """Note a failure; the key that failed longest ago is forgotten where there are too many."""
        with self._lock:
            before = self._failures.pop(key, None)
            is_recent = before is not None and now - before.last <= FORGOTTEN_AFTER
            count = before.count if before is not None and is_recent else 0
            self._failures[key] = _Failures(count + 1, now)
            if len(self._failures) > MOST_REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)
