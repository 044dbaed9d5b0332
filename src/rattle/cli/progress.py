"""How a training shows on the terminal: a live line, or a plain one now and then when piped."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from rattle.learning.train import Step

PLAIN_EVERY_S = 10.0
LIVE_EVERY_S = 0.1


class TrainingProgress:
    """Shows features being computed and iterations with loss, rate and time left."""

    def __init__(self, title: str, iterations: int) -> None:
        self._title, self._iterations = title, iterations
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=10, transient=True)
        self._clips = 0
        self._first: tuple[int, float] | None = None
        self._shown_at = 0.0

    def __enter__(self) -> TrainingProgress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def on_clip(self) -> None:
        """One more clip's features were computed."""
        self._clips += 1
        self._show(f"{self._title}: features of clip {self._clips}")

    def on_step(self, step: Step) -> None:
        """One more iteration is done."""
        now = time.monotonic()
        if self._first is None:
            self._first = (step.iteration, now)
            rate = "starting"
        else:
            done = step.iteration - self._first[0]
            per_s = done / max(now - self._first[1], 1e-9)
            left_s = (self._iterations - step.iteration) / per_s
            rate = f"{per_s:.2f} it/s, {left_s:.0f} s left"
        parts = [("bce", step.bce), ("metric", step.metric)]
        detail = ", ".join(f"{name} {value:.3f}" for name, value in parts if value is not None)
        self._show(
            f"{self._title}: iteration {step.iteration}/{self._iterations}, "
            f"loss {step.loss:.3f} ({detail}), {rate}",
            last=step.iteration == self._iterations,
        )

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def _show(self, line: str, *, last: bool = False) -> None:
        now = time.monotonic()
        live = self._console.is_terminal
        if not last and now - self._shown_at < (LIVE_EVERY_S if live else PLAIN_EVERY_S):
            return
        self._shown_at = now
        if live:
            self._live.update(Text(line))
        else:
            print(line, file=sys.stderr, flush=True)
