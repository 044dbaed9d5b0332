"""Remember which workers asked for something to do, for pages: they are in no table."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from fastapi import Request

# A worker asks every few seconds, and while it trains says twice a minute that it does.
GONE_AFTER = timedelta(minutes=2)


class Workers:
    """When each worker was last heard of; safe in all threads."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._lock = Lock()

    def seen(self, name: str, at: datetime) -> None:
        """Note that a worker was heard of."""
        with self._lock:
            self._seen[name] = at
            for other, when in [*self._seen.items()]:
                if at - when > GONE_AFTER:
                    del self._seen[other]

    def there(self, at: datetime) -> list[str]:
        """Name those that were heard of lately."""
        with self._lock:
            return sorted(name for name, when in self._seen.items() if at - when <= GONE_AFTER)


def workers_of(request: Request) -> Workers:
    """Give those that the app has heard of."""
    workers: Workers = request.app.state.workers
    return workers
