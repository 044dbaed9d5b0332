"""Draw a long recording: its scores, thresholds and incidents over time, as an SVG of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rattle.pages.templates import page_template

# In the units of the SVG; letters are 12 of them high.
WIDTH, LEFT, RIGHT = 760, 52, 12
TOP, HEIGHT, BOTTOM = 52, 220, 40
TICKS_S = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800)
MOST_TICKS, MOST_LEVELS = 9, 6
# A threshold further above the scores than this times their range would flatten them.
HEADROOM = 1.5
NARROWEST = 2.0
NUMBERS_APART = 14

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Point:
    """A window: its middle and its score, None where it was not scored."""

    at_s: float
    score: float | None


@dataclass(frozen=True)
class Step:
    """A threshold from a time on; None where there is none."""

    from_s: float
    value: float | None


@dataclass(frozen=True)
class Span:
    """A stretch of time; its number where it is an incident."""

    start_s: float
    end_s: float
    number: int = 0


@dataclass(frozen=True)
class _Tick:
    text: str
    at: float


@dataclass(frozen=True)
class _Box:
    left: float
    width: float
    number: int = 0
    label: float = 0.0


def draw_timeline(
    title: str,
    seconds: float,
    points: Sequence[Point],
    alarm: Sequence[Step],
    watch: Sequence[Step],
    incidents: Sequence[Span],
    unscored: Sequence[Span],
    *,
    alarm_name: str,
) -> str:
    """Draw windows in time order over a recording of so many ``seconds``.

    Where several fall on one place, the highest and the lowest are drawn.
    """
    scores = [point.score for point in points if point.score is not None] or [0.0, 1.0]
    low, high = min(scores), max(scores)
    reach = high + HEADROOM * max(high - low, 1e-9)
    levels = [step.value for step in (*alarm, *watch) if step.value is not None]
    beyond = [value for value in levels if value > reach]
    top_score = max([high, *(value for value in levels if value <= reach)])
    step = _nice((top_score - low) / MOST_LEVELS)
    bottom = step * math.floor(low / step)
    top = max(step * math.ceil(top_score / step - 1e-9), bottom + step)

    def x(at_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(at_s / seconds, 0), 1), 1)

    def y(score: float) -> float:
        return round(TOP + HEIGHT * (top - min(score, top)) / (top - bottom), 1)

    def box(span: Span) -> _Box:
        left, right = x(span.start_s), x(span.end_s)
        wider = max(NARROWEST - (right - left), 0) / 2
        return _Box(left - wider, right - left + 2 * wider, span.number)

    def steps(of: Sequence[Step]) -> str:
        path = []
        ends = [*(each.from_s for each in of[1:]), seconds]
        for each, end_s in zip(of, ends, strict=True):
            if each.value is not None and each.value <= reach:
                path.append(f"M{x(each.from_s)} {y(each.value)}H{x(end_s)}")
        return "".join(path)

    unit_s, unit = (1, "s") if seconds < 600 else (60, "min") if seconds < 4 * 3600 else (3600, "h")
    apart = next((s for s in TICKS_S if seconds / s <= MOST_TICKS), 86_400 * 7)
    return page_template("pages/timeline.svg.jinja").render(
        # XML has no place for signs that cannot be shown, escaped or not.
        title="".join(sign if sign.isprintable() else "?" for sign in title),
        width=WIDTH,
        height=TOP + HEIGHT + BOTTOM,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=TOP + HEIGHT,
        scores=_curve(points, x, y),
        alarm=steps(alarm),
        watch=steps(watch),
        alarm_name=alarm_name,
        beyond=f"{min(beyond):.3g}" if beyond else "",
        incidents=_labelled([box(span) for span in incidents]),
        unscored=[box(span) for span in unscored],
        levels=[
            _Tick(f"{bottom + step * i:.6g}", y(bottom + step * i))
            for i in range(round((top - bottom) / step) + 1)
        ],
        ticks=[
            _Tick(f"{apart * i / unit_s:g}", x(apart * i)) for i in range(int(seconds / apart) + 1)
        ],
        unit=unit,
    )


def _curve(points: Sequence[Point], x: Scale, y: Scale) -> list[str]:
    """Polylines of the scored windows; a window that was not scored ends one."""
    lines: list[list[str]] = [[]]
    column: float | None = None
    lowest = highest = 0.0

    def flush() -> None:
        if column is not None:
            lines[-1].append(f"{column},{y(highest)}")
            if y(lowest) != y(highest):
                lines[-1].append(f"{column},{y(lowest)}")

    for point in points:
        if point.score is None:
            flush()
            column = None
            if lines[-1]:
                lines.append([])
            continue
        at = x(point.at_s)
        if at != column:
            flush()
            column, lowest, highest = at, point.score, point.score
        lowest, highest = min(lowest, point.score), max(highest, point.score)
    flush()
    return [" ".join(line) for line in lines if line]


def _labelled(boxes: Sequence[_Box]) -> list[_Box]:
    """Place the numbers above the incidents, where there is room for them."""
    placed, free = [], 0.0
    for each in boxes:
        middle = round(each.left + each.width / 2, 1)
        has_room = middle >= free
        placed.append(_Box(each.left, each.width, each.number if has_room else 0, middle))
        free = middle + NUMBERS_APART if has_room else free
    return placed


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10 ... times a power of ten."""
    if not step > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * unit for unit in (1, 2, 5, 10) if power * unit >= step * (1 - 1e-9))
