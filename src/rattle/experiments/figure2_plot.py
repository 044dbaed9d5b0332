"""Draw figure 2: a panel a machine type, a line a method and way, bars for the 95 % intervals."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rattle.experiments.figure2 import Line, Point, lines

# Okabe and Ito's colours, told apart by all; dashes tell the lines apart without colour.
STYLES = {
    "bce": ("#0072B2", "o", (0, ())),
    "dsad": ("#E69F00", "s", (0, (4, 1.5))),
    "ddcsad": ("#009E73", "^", (0, (1, 1))),
    "bce+dsad": ("#D55E00", "D", (0, (6, 1.5, 1, 1.5))),
    "bce+ddcsad": ("#CC79A7", "v", (0, (8, 1.5))),
}
COLUMNS = 3
# Of the legend's entries so many are as wide as a panel.
ENTRIES_A_PANEL = 2


def draw_figure2(points: Sequence[Point]) -> Figure:
    """Draw the figure; counts of anomalies are spaced alike, as the paper's are."""
    types = sorted({point.type for point in points})
    lines_of = {t: lines([point for point in points if point.type == t]) for t in types}
    columns = min(len(types), COLUMNS)
    rows = -(-len(types) // columns)
    ordered = sorted(itertools.chain(*lines_of.values()), key=lambda line: line.order)
    names = [*dict.fromkeys(line.name for line in ordered)]
    legend_rows = -(-len(names) // (ENTRIES_A_PANEL * columns))
    height = 3.6 * rows + 0.25 * legend_rows + 0.25
    figure = Figure(figsize=(4.6 * columns, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, type_ in zip(panels, types, strict=False):
        _panel(panel, type_, lines_of[type_])
    for panel in panels[len(types) :]:
        panel.set_visible(False)
    # A panel may lack a line that others have.
    drawn = [zip(*panel.get_legend_handles_labels(), strict=True) for panel in panels]
    handles = {label: handle for of_panel in drawn for handle, label in of_panel}
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside lower center",
        ncols=ENTRIES_A_PANEL * columns,
        frameon=False,
    )
    return figure


def _panel(axes: Axes, type_: str, of_type: list[Line]) -> None:
    points = [point for line in of_type for point in line.points]
    counts = sorted({point.anomalies for point in points})
    for number, line in enumerate(of_type):
        # Beside each other, so that no bar hides another.
        _draw(axes, line, counts, 0.09 * (number - (len(of_type) - 1) / 2))
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    machines = max(point.machines for point in points)
    seeds = max(point.seeds for point in points)
    title = f"{type_} ({_plural(machines, 'machine')}, {_plural(seeds, 'seed')})"
    axes.set_title(title, parse_math=False)  # a machine type may hold a dollar sign
    axes.set(xlabel="anomalies in training", ylabel="AUC [%]")
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _draw(axes: Axes, line: Line, counts: list[int], shift: float) -> None:
    colour, marker, dashes = STYLES[line.method]
    axes.errorbar(
        [counts.index(point.anomalies) + shift for point in line.points],
        [100 * point.auc for point in line.points],
        [
            [100 * (point.auc - point.low) for point in line.points],
            [100 * (point.high - point.auc) for point in line.points],
        ],
        label=line.name,
        color=colour,
        marker=marker,
        # Hollow and thin: the same method's line by its encoder is full.
        markerfacecolor="none" if line.way == "head" else colour,
        linestyle=dashes,
        markersize=4.5,
        linewidth=0.8 if line.way == "head" else 1.6,
        elinewidth=0.7,
        capsize=2,
    )


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count > 1 else "")


def as_svg(figure: Figure) -> str:
    """Write the figure as an SVG file; the same points give the same bytes."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "rattle", "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def as_png(figure: Figure) -> bytes:
    """Write the figure as a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160, metadata={"Software": None})
    return file.getvalue()
