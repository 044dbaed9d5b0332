"""How a training shows on the terminal: a live line, or a plain one now and then when piped."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rattle.cli.terminal.live import LiveLines

if TYPE_CHECKING:
    from rattle.learning.train import Step

PLAIN_EVERY_S = 10.0
LIVE_EVERY_S = 0.1


class TrainingProgress(LiveLines):
    """Shows features being computed and iterations with loss, rate and time left."""

    def __init__(self, title: str, iterations: int) -> None:
        super().__init__(refresh_per_second=10)
        self._title, self._iterations = title, iterations
        self._clips = 0
        self._first: tuple[int, float] | None = None
        self._shown_at = 0.0

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

    def _show(self, line: str, *, last: bool = False) -> None:
        now = time.monotonic()
        live = self.is_terminal
        if not last and now - self._shown_at < (LIVE_EVERY_S if live else PLAIN_EVERY_S):
            return
        self._shown_at = now
        if live:
            self.update(line)
        else:
            print(line, file=sys.stderr, flush=True)
