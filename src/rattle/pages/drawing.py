"""Draw figures by matplotlib and write them as inline SVG in the page's colours."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stand-ins that matplotlib writes into the SVG, and the CSS variables of the page that replace
# them: so a drawing follows the reader's light or dark theme, and print.
INK, MUTED, NORMAL, ANOMALY = "#010101", "#020202", "#030303", "#040404"
CSS = {INK: "var(--ink)", MUTED: "var(--muted)", NORMAL: "var(--normal)", ANOMALY: "var(--anomaly)"}
# What matplotlib's SVG holds that is wrong or of no use inside a page: a style sheet that would
# apply to all of it, namespaces, ids of groups (every plot has the same) and its own fonts.
NOT_INLINE = re.compile(
    r"<style.*?</style>|<metadata.*?</metadata>| xmlns(:\w+)?=\"[^\"]*\"|(?<=<g) id=\"[^\"]*\""
    r"|font-family: [^;\"]*;? ?",
    re.DOTALL,
)
# A number of an attribute beyond the hundredth of a point that can be seen. Text follows ">".
TOO_FINE = re.compile(r"(?<=[ \"(,])-?\d+\.\d{3,}(?![\de])")


class Size(NamedTuple):
    """Of a plot; chosen so that its letters are as large as the page's small print."""

    width_in: float
    height_in: float
    font_pt: float


WIDE, TALL, SMALL = Size(5.2, 2.9, 10), Size(5.2, 4.4, 10), Size(3.4, 2.1, 8.5)


def panel(size: Size = WIDE) -> tuple[Figure, Axes]:
    """Make an empty plot with axes to the left and below."""
    figure = Figure(figsize=size[:2], layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelsize=size.font_pt)
    axes.xaxis.label.set_fontsize(size.font_pt)
    axes.yaxis.label.set_fontsize(size.font_pt)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(color=MUTED, labelcolor=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def inline_svg(figure: Figure, name: str, colours: Mapping[str, str] | None = None) -> str:
    """Write the figure as an ``<svg>`` element for use inside HTML; equal figures give equal text.

    ``name`` is the figure's own within its page: the ids that its parts refer to each other by are
    made from it. ``colours`` are further stand-ins, as lower-case hex, with what replaces them.
    """
    file = io.StringIO()
    with (
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}),
        warnings.catch_warnings(),
    ):
        # The reader's browser has fonts of its own; ours only measures.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="svg", transparent=True)
    text = file.getvalue()
    text = NOT_INLINE.sub("", text[text.index("<svg") :])
    text = TOO_FINE.sub(lambda number: f"{float(number[0]):.2f}", text)
    text = re.sub(r"\s+", " ", text).replace("> <", "><")
    for colour, variable in {**CSS, **(colours or {})}.items():
        text = text.replace(colour, variable)
    return text
