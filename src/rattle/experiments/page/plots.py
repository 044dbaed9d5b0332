"""Draw the plots of a machine's runs as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rattle.experiments.page.styles import COLOURS, Style
from rattle.pages.drawing import ANOMALY, MUTED, NORMAL, SMALL, TALL, inline_svg, panel
from rattle.runs.run import LearningCurve

Values = NDArray[np.float64]

# A curve of more points than this is drawn as the means of so many stretches of it.
POINTS = 150
# Of more clips than this an even choice is drawn.
DOTS = 600


def roc_curves_svg(
    curves: Sequence[tuple[Style, Values]], *, name: str, max_fpr: float = 0.1
) -> str:
    """Draw ROC curves over one another; each ``[N-]`` as ``series.detection_rates`` gives it."""
    figure, axes = panel(TALL)
    axes.axvspan(0, max_fpr, color=MUTED, alpha=0.18, linewidth=0)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    for style, rates in reversed(curves):
        # From no alarm at all up to the first rate, and along to 1 at the end.
        x = np.concatenate([[0], np.arange(len(rates) + 1) / len(rates)])
        y = np.concatenate([[0], rates, [1]])
        line = axes.step(x, y, where="post", color=style.colour, linewidth=1.5, clip_on=False)
        line[0].set_linestyle((0, style.dashes))
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="false-alarm rate", ylabel="detection rate")
    return inline_svg(figure, name, COLOURS)


def losses_svg(curves: Sequence[LearningCurve], style: Style, *, name: str) -> str:
    """Draw the loss of each seed's training over its iterations, a line a seed."""
    figure, axes = panel(SMALL)
    for curve in curves:
        pieces = min(POINTS, len(curve.losses))
        x, y = (
            [piece.mean() for piece in np.array_split(values, pieces)]
            for values in (curve.iterations, curve.losses)
        )
        axes.plot(x, y, color=style.colour, linewidth=1.0, alpha=0.8, clip_on=False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.set(xlabel="iteration", ylabel="loss")
    return inline_svg(figure, name, COLOURS)


def embedding_svg(points: Values, is_anomaly: NDArray[np.bool_], *, name: str) -> str:
    """Draw clips as dots at ``points`` ``[clips, 2]``, coloured by label."""
    figure, axes = panel(SMALL)
    chosen = _evenly(len(points))
    points, is_anomaly = points[chosen], is_anomaly[chosen]
    for which, colour, opacity in ((is_anomaly, ANOMALY, 0.8), (~is_anomaly, NORMAL, 0.8)):
        axes.add_patch(_dots(points[which], colour, opacity))
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * max(right - left, top - bottom)
    axes.set(xlim=(left - margin, right + margin), ylim=(bottom - margin, top + margin))
    axes.set(xticks=[], yticks=[])
    return inline_svg(figure, name)


def _dots(points: Values, colour: str, opacity: float) -> PathPatch:
    """Draw dots as one path of strokes without length and with round ends: a tenth of the text."""
    vertices = np.repeat(points, 2, axis=0)
    codes = np.tile([Outline.MOVETO, Outline.LINETO], len(points))
    outline = Outline(vertices, codes)
    outline.should_simplify = False
    return PathPatch(
        outline,
        facecolor="none",
        edgecolor=colour,
        alpha=opacity,
        linewidth=3.2,
        capstyle="round",
        clip_on=False,
    )


def _evenly(count: int) -> NDArray[np.int64]:
    """Choose up to ``DOTS`` of so many clips, evenly over their order."""
    if count <= DOTS:
        return np.arange(count)
    return np.linspace(0, count - 1, DOTS).round().astype(np.int64)
