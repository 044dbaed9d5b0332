"""Draw the plots of a report: ROC curve and score histogram."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from rattle.pages.drawing import ANOMALY, INK, MUTED, NORMAL, WIDE, Size, inline_svg, panel

Scores = NDArray[np.float64]
BINS = 30


def roc_svg(
    normal: Scores, anomaly: Scores, threshold: float, *, name: str, max_fpr: float = 0.1
) -> str:
    """Draw the ROC curve as SVG text, the pAUC region shaded and the threshold's point marked."""
    figure, axes = panel()
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
    return inline_svg(figure, name)


def histogram_svg(
    normal: Scores,
    anomaly: Scores,
    unknown: Scores,
    threshold: float | None,
    *,
    name: str,
    size: Size = WIDE,
) -> str:
    """Draw scores as SVG text: anomalies up, normals down, the threshold, if any, a line.

    Clips without a label are outlined upwards.
    """
    figure, axes = panel(size)
    marked = [] if threshold is None else [threshold]
    edges = _edges(np.concatenate([normal, anomaly, unknown, marked]))
    for scores, sign, colour in ((anomaly, 1, ANOMALY), (normal, -1, NORMAL)):
        counts, _ = np.histogram(scores, edges)
        axes.stairs(sign * counts, edges, fill=True, color=colour, linewidth=0)
    if unknown.size:
        axes.stairs(np.histogram(unknown, edges)[0], edges, color=INK, linewidth=1.0)
    axes.axhline(0, color=INK, linewidth=0.8)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9 if size is WIDE else 5))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(lambda count, _: f"{abs(count):.0f}")
    axes.set(xlabel="score", ylabel="clips")
    return inline_svg(figure, name)


def _edges(scores: Scores) -> NDArray[np.float64]:
    """Choose edges of bins that hold all scores, also where these differ by rounding alone."""
    low, high = scores.min(), scores.max()
    least = 1e-6 * max(abs(low), abs(high), 1e-6)
    if high - low < least:
        low, high = low - least, high + least
    return np.linspace(low, high, BINS + 1)
