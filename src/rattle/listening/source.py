"""Say what a source of live sound is to the one that listens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rattle.errors import SourceError

# Sound is handed on in pieces of at most this length: what a score may come late by. Each
# piece takes some work, however short it is.
BLOCK_SECONDS = 0.25


@dataclass(frozen=True)
class Block:
    """A piece of sound, float32 ``[T, channels]``, full scale at +-1.

    It follows on the block before it unless ``gap`` says why sound is missing between the two.
    ``at`` is when its last sample was (UTC), where its source knows.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int
    gap: str = ""
    at: datetime | None = None

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz


class SourceLostError(SourceError):
    """A source was lost, or cannot be reached, and may come back."""


class SourceRefusedError(SourceLostError):
    """A source gives no sound, and will not until someone changes something.

    It may come back all the same where it gave sound before: a camera that starts up.
    """


class Connection(Protocol):
    """A source in use, once."""

    def blocks(self) -> Iterator[Block]:
        """Yield what comes in, until the source ends.

        Raises ``SourceLostError`` where connecting again may help, else ``SourceError``.
        """

    def close(self) -> None:
        """End ``blocks`` soon; may be called from another thread, and more than once."""


class Source(Protocol):
    """What sound comes from: a sound card, a URL, a file, a pipe.

    ``live``: its sound waits for nobody, and its end is a loss. What is not live is read as fast as
    it is scored, and ends. ``name`` is what a message calls it; it holds no password.
    """

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool: ...

    def connect(self) -> Connection:
        """Make a new connection; returns at once."""
