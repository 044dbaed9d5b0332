"""What a benchmark tells: a ratio beside its target."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    """One figure of ``make bench``.

    ``detail`` says what the figure is made of (both sides of a ratio, in units) and, where the
    target is missed, what limits it.
    """

    name: str
    value: float
    target: float
    detail: str
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def side_by_side(
    ways: dict[str, Callable[[], object]], *, rounds: int = 5, warm_up: int = 1
) -> dict[str, float]:
    """Median seconds of each way, taken in turns so that a disturbance meets all alike."""
    for _ in range(warm_up):
        for way in ways.values():
            way()
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in took.items()}
