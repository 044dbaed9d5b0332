"""Turn values over time into the points of SVG curves.

A picture is ``WIDTH`` by ``HEIGHT`` units, whatever its size on the page; time goes right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000.0, 200.0
# An alarm's threshold further up than this times what was heard would flatten it.
HEADROOM = 4.0


@dataclass(frozen=True)
class Frame:
    """What a picture shows: seconds since 1970 from left to right, scores from below to above."""

    begin_s: float
    end_s: float
    low: float
    high: float

    def x(self, at_s: float) -> float:
        """Place a time; one outside lies on the edge."""
        share = (at_s - self.begin_s) / (self.end_s - self.begin_s)
        return round(WIDTH * min(max(share, 0.0), 1.0), 1)

    def y(self, score: float) -> float:
        """Place a score; one outside lies on the edge."""
        share = (score - self.low) / (self.high - self.low)
        return round(HEIGHT * (1 - min(max(share, 0.0), 1.0)), 1)


def frame_of(
    begin_s: float, end_s: float, scores: Sequence[float], limits: Sequence[float]
) -> Frame:
    """Choose the range of scores: all that were heard, and the limits that are near enough."""
    heard = [score for score in scores if math.isfinite(score)]
    low, high = (min(heard), max(heard)) if heard else (0.0, max(limits, default=1.0))
    low = min(low, 0.0)
    near = [limit for limit in limits if limit - low <= HEADROOM * max(high - low, 1e-9)]
    high = max([high, *near])
    return Frame(begin_s, max(end_s, begin_s + 1), low, low + 1.08 * max(high - low, 1e-6))


def lines(frame: Frame, at_s: Sequence[float], scores: Sequence[float]) -> list[str]:
    """Join the points that follow each other; what is not a number ends a line."""
    runs = [
        [(frame.x(at_s[place]), frame.y(scores[place])) for place in run] for run in _runs(scores)
    ]
    # A point alone is a short dash: a line of no length shows nothing.
    return [
        " ".join(
            f"{x},{y}" for x, y in (run if len(run) > 1 else [*run, (run[0][0] + 2, run[0][1])])
        )
        for run in runs
    ]


def areas(
    frame: Frame, at_s: Sequence[float], lowest: Sequence[float], highest: Sequence[float]
) -> list[str]:
    """Outline what lies between the lowest and the highest."""
    outlines = []
    for run in _runs(highest):
        above = [f"{frame.x(at_s[place])},{frame.y(highest[place])}" for place in run]
        below = [f"{frame.x(at_s[place])},{frame.y(lowest[place])}" for place in reversed(run)]
        outlines.append(" ".join(above + below))
    return outlines


def steps(frame: Frame, changes: Sequence[tuple[float, float]]) -> str:
    """Draw a limit that changes ``(when, to what)``, in time order, as an SVG path."""
    path = []
    for place, (from_s, value) in enumerate(changes):
        to_s = changes[place + 1][0] if place + 1 < len(changes) else frame.end_s
        if to_s > frame.begin_s and frame.low <= value <= frame.high:
            path.append(f"M{frame.x(from_s)} {frame.y(value)}H{frame.x(to_s)}")
    return "".join(path)


def _runs(values: Sequence[float]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for place, value in enumerate(values):
        if math.isfinite(value):
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
