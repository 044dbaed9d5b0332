"""Lines that ten methods are told apart by."""

from __future__ import annotations

import re

from rattle.experiments.page.series import Kind
from rattle.experiments.page.styles import COLOURS, DARK, LIGHT, STYLES, Names, theme
from rattle.experiments.table2 import METHODS


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_every_method_has_a_line_of_its_own_also_without_colour() -> None:
    assert set(STYLES) == set(LIGHT) == set(DARK) == set(METHODS)
    assert len(COLOURS) == len(METHODS)
    dashes = [style.dashes for style in STYLES.values()]
    solid = [pattern for pattern in dashes if not pattern]
    assert len(solid) == 1
    assert len(set(LIGHT.values())) == len(set(DARK.values())) == len(METHODS)


def test_lines_stand_out_from_both_pages_as_wcag_asks_of_graphics() -> None:
    for method in METHODS:
        assert contrast(LIGHT[method], "#ffffff") >= 3, method
        assert contrast(DARK[method], "#14181c") >= 3, method


def test_the_theme_declares_what_drawings_use() -> None:
    declared = set(re.findall(r"(--[\w-]+): #", theme(LIGHT)))
    assert {f"var({name})" for name in declared} == set(COLOURS.values())


def test_labels_hold_what_tells_series_apart_and_no_more() -> None:
    kind = Kind("small", "ddcsad", 0)
    assert Names(("small",)).label(kind) == "ddcsad"
    assert Names(("paper", "small")).label(kind) == "ddcsad, small"
    adapted = kind._replace(anomalies=8)
    assert Names(("small",)).label(adapted) == "ddcsad, 8 anomalies"
    for way in ("encoder", "head"):
        labelled = Names(("small",)).label(adapted._replace(way=way))
        assert labelled == f"ddcsad, 8 anomalies by {way}"


def test_a_head_that_learnt_has_its_encoders_colour_and_other_dashes() -> None:
    for recipes in (("small",), ("paper", "small")):
        names = Names(recipes)
        kinds = [Kind(recipe, "bce", 8, way) for recipe in recipes for way in ("encoder", "head")]
        assert len({names.style(kind).dashes for kind in kinds}) == len(kinds)
        assert {names.colour(kind) for kind in kinds} == {"var(--bce)"}
