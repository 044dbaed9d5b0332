"""Take Ctrl-C and kill as a request to stop at the next safe place."""

from __future__ import annotations

import signal
from types import FrameType


class StopRequest:
    """Set by the first SIGINT or SIGTERM while in use; a second SIGINT interrupts at once."""

    def __init__(self) -> None:
        self._requested = False

    def __call__(self) -> bool:
        """Say whether a stop was asked for."""
        return self._requested

    def __enter__(self) -> StopRequest:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self._requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._requested = True
