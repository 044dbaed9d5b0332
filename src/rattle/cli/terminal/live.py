"""Change lines on the terminal in place, while a command works."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text


class LiveLines:
    """Base of what shows lines on standard error, as a context; only where that is a terminal."""

    def __init__(self, refresh_per_second: float) -> None:
        self._console = Console(stderr=True)
        self._live = Live(
            console=self._console, refresh_per_second=refresh_per_second, transient=True
        )

    def __enter__(self) -> Self:
        if self.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.is_terminal:
            self._live.stop()

    @property
    def is_terminal(self) -> bool:
        return self._console.is_terminal

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def update(self, *lines: str) -> None:
        """Show these lines from now on, each cut to the terminal's width."""
        texts = (Text(line, no_wrap=True, overflow="ellipsis") for line in lines)
        self._live.update(Group(*texts))
