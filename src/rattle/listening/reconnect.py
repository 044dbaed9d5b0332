"""Connect a source again when it is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from rattle.errors import SourceError
from rattle.listening.backlog import blocks_of
from rattle.listening.source import Block, Source, SourceLostError, SourceRefusedError

SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0


@dataclass(frozen=True)
class Outage:
    """The source was lost; it is tried again after ``wait_s``."""

    reason: str
    wait_s: float


def back_off(randomness: np.random.Generator) -> Iterator[float]:
    """Yield seconds to wait: 1, 2, 4 and so on to 30, each up to a quarter shorter or longer.

    So programs that lost one server together do not all come back at once.
    """
    wait = SHORTEST_WAIT_S
    while True:
        varied = wait * randomness.uniform(0.75, 1.25)
        yield min(max(varied, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        wait = min(2 * wait, LONGEST_WAIT_S)


def connected_blocks(
    source: Source,
    *,
    once: bool,
    sleep: Callable[[float], None],
    randomness: np.random.Generator,
    read: Callable[[Source], Iterator[Block]] = blocks_of,
) -> Generator[Block | Outage]:
    """Yield a source's blocks, and an ``Outage`` between two connections.

    A source that is not live ends, and with ``once`` any does; where it is lost instead, that
    raises ``SourceError``. So does a source that refuses before it gave any sound: connecting again
    would not help.
    """
    waits, heard = back_off(randomness), False
    while True:
        reason = f"{source.name} ended"
        try:
            for block in read(source):
                waits, heard = back_off(randomness), True
                yield block
        except SourceLostError as lost:
            is_lasting = isinstance(lost, SourceRefusedError) and not heard
            if once or not source.live or is_lasting:
                raise SourceError(str(lost)) from None
            reason = str(lost)
        if once or not source.live:
            return
        wait_s = next(waits)
        yield Outage(reason, wait_s)
        sleep(wait_s)
