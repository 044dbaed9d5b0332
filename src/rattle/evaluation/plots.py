"""The plots of a report: ROC curve and score histogram as inline SVG in the page's colours."""

from __future__ import annotations

import io
import re

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

Scores = NDArray[np.float64]

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


def roc_svg(normal: Scores, anomaly: Scores, threshold: float, max_fpr: float = 0.1) -> str:
    """ROC curve as SVG text, with the pAUC region shaded and the threshold's point marked."""
    figure, axes = _panel()
    is_anomaly = np.repeat([0, 1], [normal.size, anomaly.size])
    false_alarm_rate, detection_rate, _ = roc_curve(is_anomaly, np.concatenate([normal, anomaly]))
    axes.axvspan(0, max_fpr, color=MUTED, alpha=0.22, linewidth=0)
    axes.annotate("pAUC", (max_fpr, 0.02), (3, 0), textcoords="offset points", color=INK)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.plot(false_alarm_rate, detection_rate, color=INK, linewidth=1.6, clip_on=False)
    axes.plot(
        (normal > threshold).mean(),
        (anomaly > threshold).mean(),
        marker="o",
        markersize=6,
        color=ANOMALY,
        clip_on=False,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="false-alarm rate", ylabel="detection rate")
    return _svg(figure)


def histogram_svg(normal: Scores, anomaly: Scores, unknown: Scores, threshold: float) -> str:
    """Scores as SVG text: anomalies up, normals down, the threshold a line.

    Clips without a label are outlined upwards.
    """
    figure, axes = _panel()
    edges = np.histogram_bin_edges(np.concatenate([normal, anomaly, unknown, [threshold]]), bins=30)
    for scores, sign, colour in ((anomaly, 1, ANOMALY), (normal, -1, NORMAL)):
        counts, _ = np.histogram(scores, edges)
        axes.bar(edges[:-1], sign * counts, np.diff(edges), align="edge", color=colour)
    if unknown.size:
        axes.stairs(np.histogram(unknown, edges)[0], edges, color=INK, linewidth=1.0)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(threshold, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(lambda count, _: f"{abs(count):.0f}")
    axes.set(xlabel="score", ylabel="clips")
    return _svg(figure)


def _panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 2.9), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(color=MUTED, labelcolor=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element for use inside HTML."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True)
    text = file.getvalue()
    text = NOT_INLINE.sub("", text[text.index("<svg") :])
    for colour, variable in CSS.items():
        text = text.replace(colour, variable)
    return text
