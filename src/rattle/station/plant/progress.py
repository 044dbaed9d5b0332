"""Say how far a long start is: hundreds of machines take a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_log = logging.getLogger(__name__)

EVERY_S = 5.0
Item = TypeVar("Item")


def told(
    items: Iterable[Item],
    what: str,
    of: int,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Item]:
    """Yield the items, ``of`` so many; every five seconds say in the log how many are done."""
    due = clock() + EVERY_S
    for done, item in enumerate(items):
        if clock() >= due:
            due = clock() + EVERY_S
            _log.info("starting: %s, %d of %d done", what, done, of)
        yield item
