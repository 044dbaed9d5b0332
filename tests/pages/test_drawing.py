"""matplotlib's figures as parts of a page."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rattle.evaluation.plots import histogram_svg
from rattle.pages.drawing import ANOMALY, SMALL, WIDE, inline_svg, panel

NONE = np.empty(0)


def drawn(name: str = "plot", label: str = "x") -> str:
    figure, axes = panel(SMALL)
    axes.plot([0, 1], [0.123456, 1], color=ANOMALY)
    axes.set(xlabel=label)
    return inline_svg(figure, name)


def test_equal_figures_give_equal_text() -> None:
    assert drawn() == drawn()


def test_figures_of_other_names_share_no_id() -> None:
    ids = [set(re.findall(r' id="([^"]+)"', drawn(name))) for name in ("one", "two")]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])


def test_every_reference_within_a_figure_has_its_place() -> None:
    svg = drawn()
    used = set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", svg))
    assert used == set(re.findall(r' id="([^"]+)"', svg))


def test_numbers_are_as_fine_as_can_be_seen_and_text_is_left() -> None:
    svg = drawn(label="0.123456 of it")
    assert "0.123456 of it" in svg
    assert re.findall(r"\d\.\d{3,}", svg.replace("0.123456 of it", "")) == []


def test_letters_that_our_font_lacks_are_no_warning() -> None:
    assert "ポンプ" in drawn(label="ポンプ")


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_scores_that_differ_by_rounding_are_drawn(size) -> None:
    close = np.array([0.5, np.nextafter(0.5, 1)])
    for scores in (close, np.zeros(3), np.array([1e12, 1e12 + 1e-3])):
        assert "<svg" in histogram_svg(scores, NONE, NONE, None, name="h", size=size)


def test_bars_hang_from_zero_and_are_as_long_as_they_hold_clips() -> None:
    svg = histogram_svg(np.array([0.0, 0.0, 0.1, 0.1, 10.0]), NONE, NONE, None, name="h")
    (outline,) = re.findall(r'<path d="([^"]*)"[^>]*var\(--normal\)', svg)
    _, y = np.array(re.findall(r"-?[\d.]+", outline), float).reshape(-1, 2).T
    (depths, first), (rest, last) = (y.max(), y[1]), (y[y > y[0]].min(), y[-2])
    assert (first - y[0]) / (last - y[0]) == pytest.approx(4, abs=0.01)
    assert (depths, rest) == (first, last)
