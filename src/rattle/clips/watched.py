"""Give up on a call into a decoder that does not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# A block of sound is decoded in milliseconds, and in seconds from a slow network drive.
PATIENCE_SECONDS = 60.0


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns or raise what it raises; ``TimeoutError`` after so long.

    It runs in a thread of its own, so that Ctrl-C is heard meanwhile. C code cannot be stopped from
    outside: a call that hangs is left behind in its thread, which does not keep the process alive.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # it is the caller's, whatever it is
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not returned:
        raise TimeoutError
    return returned[0]
