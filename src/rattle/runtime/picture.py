"""Draw an explanation of a clip as an SVG."""

from __future__ import annotations

from rattle.diagnosis.reference import Reference
from rattle.diagnosis.seen import seen_spectrum
from rattle.pages.explained import Bar, Mark, draw_explained
from rattle.runtime.explain import Explanation, Samples


def picture_of(
    explanation: Explanation,
    reference: Reference,
    samples: Samples,
    most: int,
    *,
    title: str,
    is_inline: bool = False,
) -> str:
    """Draw the clip's spectrum over the healthy ones, its differences, what was reacted to.

    At most so many differences that stand out are marked, by the numbers that a list of them has.
    ``is_inline`` is for a picture within a page, whose colours it takes.
    """
    seen = seen_spectrum(samples, reference)
    marks = [
        Mark(number, min(places), max(places))
        for number, each in enumerate(explanation.telling[:most], start=1)
        if (places := each.lines_hz or (each.low_hz, each.high_hz)) and each.kind != "level"
    ]
    bars = [Bar(band.low_hz, band.high_hz, band.fall) for band in explanation.reactions]
    healthy = (seen.lowest, seen.middle, seen.highest)
    return draw_explained(title, seen.hz, seen.clip, healthy, marks, bars, is_inline=is_inline)
