"""Show on the terminal how many of many small things are done."""

from __future__ import annotations

import sys
import time

from rattle.cli.terminal.live import LiveLines
from rattle.cli.terminal.progress import LIVE_EVERY_S, PLAIN_EVERY_S


class _Counts(LiveLines):
    def __init__(self) -> None:
        super().__init__(refresh_per_second=10)
        self._shown_at = time.monotonic()

    def _show(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._shown_at < (LIVE_EVERY_S if self.is_terminal else PLAIN_EVERY_S):
            return
        self._shown_at = now
        line = f"{what}: {done:,} of {of:,}"
        if self.is_terminal:
            self.update(line)
        else:
            print(line, file=sys.stderr, flush=True)


class Counting(_Counts):
    """Shows ``title: 120 of 1,032``: a live line, or a plain one now and then when piped."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def on_done(self, done: int, of: int) -> None:
        """Show that so many are done."""
        self._show(self._title, done, of)


class Stages(_Counts):
    """Shows ``clips: 120 of 1,032`` and then the next stage, as ``Counting`` does."""

    def on_done(self, what: str, done: int, of: int) -> None:
        """Show that so many of a stage are done."""
        self._show(what, done, of)
