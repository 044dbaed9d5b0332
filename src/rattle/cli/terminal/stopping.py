"""Take Ctrl-C and kill as a request to stop at the next safe place."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

# Where the frames of an import are.
IMPORTING = "<frozen importlib._bootstrap>"
A_MOMENT_S = 0.05


class Interrupts:
    """Ctrl-C as an exception, and whether there was one.

    An import that is interrupted may swallow it, as some that try one module after another do, or
    end the process from its C++: where a module is being imported, it comes a moment later.
    """

    def __init__(self) -> None:
        self.seen = False

    def catch(self) -> None:
        """Raise ``KeyboardInterrupt`` from now on, where Ctrl-C is not to be ignored."""
        self.seen = False
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._raise)

    def let_go(self, before: Any) -> None:
        """Take Ctrl-C as ``before`` again; one that waits for an import is dropped."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, before)

    def _raise(self, _: int, frame: FrameType | None) -> None:
        self.seen = True
        if _is_importing(frame) and hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, A_MOMENT_S)
            return
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            return True
        frame = frame.f_back
    return False


INTERRUPTS = Interrupts()


@contextlib.contextmanager
def ended_by_kill() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that it leaves nothing behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class StopRequest:
    """Set by the first SIGINT or SIGTERM while in use; a second SIGINT interrupts at once."""

    def __init__(self) -> None:
        self._requested = INTERRUPTS.seen

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
