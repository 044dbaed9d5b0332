"""Draw why a clip is an alarm: its spectrum over that of the healthy clips, and what was heard.

An SVG of its own or inside a page, by a template: no machine needs more for it than jinja2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.pages.templates import page_template

# In the units of the SVG; letters are 12 of them high.
WIDTH, LEFT, RIGHT = 760, 46, 12
TOP, SPECTRUM, GAP, REACTIONS, BOTTOM = 34, 230, 30, 64, 36
TICKS_HZ = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
STEPS_DB = (5, 10, 20, 40)
MOST_STEPS = 8
LABEL_APART = 15

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Mark:
    """A difference: its number, and the frequencies where it is."""

    number: int
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class Bar:
    """A band, and by how much the score falls with a healthy clip's sound there."""

    low_hz: float
    high_hz: float
    fall: float


@dataclass(frozen=True)
class _Label:
    text: str
    at: float


@dataclass(frozen=True)
class _Bracket:
    number: int
    left: float
    right: float
    row: int

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class _Axis:
    low_hz: float
    high_hz: float

    def x(self, hz: float) -> float:
        share = math.log(max(hz, self.low_hz) / self.low_hz) / math.log(self.high_hz / self.low_hz)
        return round(LEFT + min(share, 1.0) * (WIDTH - LEFT - RIGHT), 1)


def draw_explained(
    title: str,
    hz: Values,
    clip: Values,
    healthy: tuple[Values, Values, Values],
    marks: Sequence[Mark],
    bars: Sequence[Bar],
    *,
    is_inline: bool = False,
) -> str:
    """Draw levels in dB ``[P]`` of a clip and of the healthy clips (lowest, middle, highest).

    ``is_inline`` leaves the colours to the page that it stands in.
    """
    axis = _Axis(float(hz[0]), float(hz[-1]))
    lowest, middle, highest = healthy
    low = float(min(lowest.min(), clip.min()))
    high = float(max(highest.max(), clip.max()))
    step = next((s for s in STEPS_DB if (high - low) / s <= MOST_STEPS), STEPS_DB[-1])
    softest, loudest = step * math.floor(low / step), step * math.ceil(high / step)
    rows = _brackets(marks, axis)
    top = TOP + LABEL_APART * max((bracket.row for bracket in rows), default=0)

    def y(level: float) -> float:
        return round(top + SPECTRUM * (loudest - level) / max(loudest - softest, 1), 1)

    def path(levels: Values) -> str:
        points = zip(hz.tolist(), levels.tolist(), strict=True)
        return " ".join(f"{axis.x(at)},{y(level)}" for at, level in points)

    under = top + SPECTRUM + GAP
    return page_template("pages/explained.svg.jinja").render(
        # XML has no place for signs that cannot be shown, escaped or not.
        title="".join(sign if sign.isprintable() else "?" for sign in title),
        is_inline=is_inline,
        width=WIDTH,
        height=under + REACTIONS + BOTTOM,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=top,
        bottom=top + SPECTRUM,
        under=under,
        floor=under + REACTIONS,
        healthy=f"{path(highest)} {' '.join(reversed(path(lowest).split()))}",
        middle=path(middle),
        clip=path(clip),
        brackets=rows,
        apart=LABEL_APART,
        levels=[_Label(f"{level:g}", y(level)) for level in range(softest, loudest + 1, step)],
        ticks=[
            _Label(f"{tick / 1000:g}k" if tick >= 1000 else f"{tick}", axis.x(tick))
            for tick in TICKS_HZ
            if axis.low_hz <= tick <= axis.high_hz
        ],
        bars=_boxes(bars, axis, under),
    )


def _brackets(marks: Sequence[Mark], axis: _Axis) -> list[_Bracket]:
    """Place the marks above the spectrum, in as many rows as they need not to touch."""
    ends: list[float] = []
    placed = []
    for mark in marks:
        left, right = axis.x(mark.low_hz), axis.x(mark.high_hz)
        room = (min(left, (left + right) / 2 - 8), max(right, (left + right) / 2 + 8))
        row = next((r for r, end in enumerate(ends) if end < room[0]), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = room[1]
        placed.append(_Bracket(mark.number, left, right, row))
    return placed


def _boxes(bars: Sequence[Bar], axis: _Axis, under: float) -> list[_Box]:
    most = max((bar.fall for bar in bars), default=0.0)
    boxes = []
    for bar in bars:
        left, right = axis.x(bar.low_hz), axis.x(bar.high_hz)
        height = round(REACTIONS * max(bar.fall, 0.0) / most, 1) if most > 0 else 0.0
        if right > left:
            boxes.append(_Box(left + 0.5, under + REACTIONS - height, right - left - 1, height))
    return boxes
