"""Write to the log who may not push samples, once each: a program tries again every second."""

from __future__ import annotations

import logging

from starlette.requests import HTTPConnection

# Addresses and sources; where there are more, all are forgotten and may be said again.
MOST_REMEMBERED = 1000

_log = logging.getLogger(__name__)


class Refusals:
    """Whose samples were refused since the start; used by the loop of the web alone."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def refused(self, connection: HTTPConnection, source: str, why: str) -> None:
        """Say who was refused and why, unless it was said; ``source`` is "" where there is none."""
        who = _who(connection), source
        if who in self._told:
            return
        if len(self._told) >= MOST_REMEMBERED:
            self._told.clear()
        self._told.add(who)
        to = f"the source {source!r}" if source else "a source that is none"
        _log.warning("%s may not push samples to %s: %s This is said once.", who[0], to, why)

    def taken(self, connection: HTTPConnection, source: str) -> None:
        """Forget that it was refused: it may push now."""
        self._told.discard((_who(connection), source))


def _who(connection: HTTPConnection) -> str:
    return "someone" if connection.client is None else connection.client.host
