"""Draw an explanation of a clip as an SVG."""

from __future__ import annotations

from rattle.pages.explained import Bar, Mark, draw_explained
from rattle.runtime.explanation import Explanation


def picture_of(explanation: Explanation, most: int, *, title: str, is_inline: bool = False) -> str:
    """Draw the clip's spectrum over the healthy ones, its differences, what was reacted to.

    At most so many differences that stand out are marked, by the numbers that a list of them has.
    ``is_inline`` is for a picture within a page, whose colours it takes.
    """
    seen = explanation.spectrum
    healthy = (seen.lowest, seen.middle, seen.highest)
    marks, bars = marks_of(explanation, most), bars_of(explanation)
    return draw_explained(title, seen.hz, seen.clip, healthy, marks, bars, is_inline=is_inline)


def marks_of(explanation: Explanation, most: int) -> list[Mark]:
    """Say where the first differences that stand out are, by their numbers in a list of them."""
    marks = []
    for number, each in enumerate(explanation.telling[:most], start=1):
        places = each.lines_hz or (each.low_hz, each.high_hz)
        # A pulse's rates are no frequencies of the sound; its channel is.
        if each.kind == "pulse":
            places = (each.low_hz, each.high_hz)
        if each.kind != "level":
            marks.append(Mark(number, min(places), max(places)))
    return marks


def bars_of(explanation: Explanation) -> list[Bar]:
    """Say by how much the score falls with a healthy clip's sound in each band."""
    return [Bar(band.low_hz, band.high_hz, band.fall) for band in explanation.reactions]
