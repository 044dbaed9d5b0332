"""Give a synthetic machine's sound as a microphone would: a quarter of a second at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from rattle.listening.source import BLOCK_SECONDS, Block, SourceLostError
from rattle.station.demo.sound import RATE_HZ, RUN_S, MachineSound

# One thread makes all runs: what many threads take and free lies in pieces, and stays.
MAKER = ThreadPoolExecutor(1, "demo sound")
# As that of a converter without a microphone: far below what counts as silence.
UNPLUGGED = np.float32(1e-6)


@dataclass(frozen=True)
class Trouble:
    """What happens to the microphone ("unplugged") or its line ("lost") between two times."""

    kind: str
    start_s: float
    end_s: float


@dataclass
class MadeSource:
    """A live source of a machine's sound; second 0 is when it was first connected."""

    name: str
    sound: MachineSound
    troubles: Sequence[Trouble] = ()
    clock: Callable[[], float] = time.monotonic
    live: bool = field(default=True, init=False)
    _began: float | None = field(default=None, init=False)

    def connect(self) -> MadeConnection:
        """Connect; the machine goes on meanwhile."""
        if self._began is None:
            self._began = self.clock()
        return MadeConnection(self, self._began)

    def is_in(self, kind: str, at_s: float) -> bool:
        """Whether there is such a trouble at that time."""
        return any(t.kind == kind and t.start_s <= at_s < t.end_s for t in self.troubles)


class MadeConnection:
    """The sound as it comes."""

    def __init__(self, source: MadeSource, began: float) -> None:
        self._source, self._began = source, began
        self._closed = Event()

    def blocks(self) -> Iterator[Block]:
        """Yield the sound in real time, until it is closed or lost."""
        source = self._source
        at_s = source.clock() - self._began
        at_s -= at_s % BLOCK_SECONDS
        prepared = -1
        while True:
            if (number := int(at_s // RUN_S)) != prepared:
                prepared = number
                MAKER.submit(source.sound.prepare, number + 1)
            if source.is_in("lost", at_s):
                raise SourceLostError("the camera does not answer (the demo unplugged it)")
            wait_s = at_s + BLOCK_SECONDS - (source.clock() - self._began)
            if self._closed.wait(max(wait_s, 0)):
                return
            samples = source.sound.between(at_s, at_s + BLOCK_SECONDS)
            if source.is_in("unplugged", at_s):
                samples = np.full_like(samples, UNPLUGGED)
            yield Block(samples[:, None], RATE_HZ)
            at_s += BLOCK_SECONDS

    def close(self) -> None:
        """End ``blocks``."""
        self._closed.set()
