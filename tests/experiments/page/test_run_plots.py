"""The plots of a machine's runs."""

from __future__ import annotations

import re

import numpy as np

from rattle.experiments.page.plots import DOTS, POINTS, embedding_svg, losses_svg, roc_curves_svg
from rattle.experiments.page.styles import STYLES
from rattle.runs.run import LearningCurve

STYLE = STYLES["ddcsad"]


def paths(svg: str, colour: str) -> list[np.ndarray]:
    """The points of each path drawn in a colour, ``[points, 2]``."""
    found = re.findall(r'<path d="([^"]*)"[^>]*' + re.escape(f"var(--{colour})"), svg)
    return [np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2) for path in found]


def test_a_roc_curve_rises_from_corner_to_corner() -> None:
    svg = roc_curves_svg([(STYLE, np.array([0.5, 0.75, 1.0]))], name="roc")
    (curve,) = paths(svg, "ddcsad")
    x, y = curve.T
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) <= 0).all()  # SVG counts from above
    (_, bottom), (right, top) = curve[0], curve[-1]
    height, width = bottom - top, right - x[0]
    # The area below its steps is the mean rate.
    area = (np.diff(x) * (bottom - y[:-1])).sum() / (height * width)
    assert abs(area - 0.75) < 0.01


def test_a_long_training_is_drawn_by_means_and_a_line_a_seed() -> None:
    count = 4000
    losses = LearningCurve(np.arange(1, count + 1), np.linspace(4.0, 1.0, count))
    lines = paths(losses_svg([losses, losses], STYLE, name="loss"), "ddcsad")
    assert len(lines) == 2
    assert all(2 <= len(line) <= POINTS for line in lines)
    assert lines[0][0, 1] < lines[0][-1, 1]


def test_every_clip_is_a_dot_of_its_label() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    is_anomaly = np.arange(30) % 3 == 0
    svg = embedding_svg(points, is_anomaly, name="embedding")
    assert len(paths(svg, "anomaly")[0]) == 2 * 10
    assert len(paths(svg, "normal")[0]) == 2 * 20
    # Points keep their places relative to each other.
    x = paths(svg, "normal")[0][::2, 0]
    assert np.corrcoef(x, points[~is_anomaly, 0])[0, 1] > 0.999


def test_of_very_many_clips_an_even_choice_is_drawn() -> None:
    count = 5 * DOTS
    points = np.random.default_rng(0).normal(size=(count, 2))
    svg = embedding_svg(points, np.arange(count) < count // 2, name="embedding")
    drawn = [len(paths(svg, label)[0]) // 2 for label in ("anomaly", "normal")]
    assert sum(drawn) == DOTS
    assert abs(drawn[0] - drawn[1]) <= 2
    assert len(svg) < 60 * DOTS


def test_a_single_label_is_drawn_too() -> None:
    svg = embedding_svg(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([True, True]), name="one")
    assert len(paths(svg, "anomaly")[0]) == 4
