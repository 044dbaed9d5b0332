"""Choose names, colours and dashes that tell series apart: ten methods, also without colour.

The losses' lines are figure 2's. Each stand-in colour becomes a CSS variable, so that the light and
the dark page have their own; the page's style sheet is given the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rattle.experiments.figure2_plot import STYLES as LOSS_STYLES
from rattle.experiments.page.series import Kind
from rattle.pages.words import counted
from rattle.recipe.parts import LOSSES, LossName, MethodName

Dashes = tuple[float, ...]


class Style(NamedTuple):
    """How a series is drawn: a stand-in colour for matplotlib, on-off lengths in line widths."""

    colour: str
    dashes: Dashes


def _loss_style(method: LossName) -> Style:
    colour, _, (_, dashes) = LOSS_STYLES[method]
    return Style(colour.lower(), dashes)


# After Okabe and Ito; darker where a line would be faint on white, lighter on the dark page.
LIGHT: dict[MethodName, str] = {
    "bce": "#0072b2",
    "dsad": "#b87d00",
    "ddcsad": "#008e68",
    "bce+dsad": "#d55e00",
    "bce+ddcsad": "#b5548a",
    "autoencoder": "#3a9bd0",
    "gmm": "#857a00",
    "ocsvm": "#1b2127",
    "knn": "#77818a",
    "mahalanobis": "#7a5c9e",
}
DARK: dict[MethodName, str] = {
    "bce": "#3d9be0",
    "dsad": "#e69f00",
    "ddcsad": "#00b787",
    "bce+dsad": "#f0803c",
    "bce+ddcsad": "#e08fbd",
    "autoencoder": "#8fd0f5",
    "gmm": "#f0e442",
    "ocsvm": "#e7eaed",
    "knn": "#98a2ab",
    "mahalanobis": "#b79be0",
}
BASELINE_STYLES: dict[MethodName, Style] = {
    "autoencoder": Style("#101010", (3, 1.5)),
    "gmm": Style("#202020", (6, 1.5, 1, 1.5)),
    "ocsvm": Style("#303030", (1, 1.2)),
    "knn": Style("#404040", (8, 2)),
    "mahalanobis": Style("#505050", (3, 1.2, 1, 1.2, 1, 1.2)),
}
STYLES: dict[MethodName, Style] = {
    **{method: _loss_style(method) for method in LOSSES},
    **BASELINE_STYLES,
}
# A second recipe, and a head that learnt, have the method's colour and the dashes of none of them.
RECIPE_DASHES: tuple[Dashes, ...] = ((2, 2), (5, 1, 1, 1, 1, 1), (10, 1.5), (1, 3))


def variable(method: MethodName) -> str:
    """Name the CSS variable of a method's colour."""
    return f"--{method.replace('+', '-')}"


# What replaces the stand-ins in a drawing.
COLOURS = {style.colour: f"var({variable(method)})" for method, style in STYLES.items()}


@dataclass(frozen=True)
class Names:
    """How the page tells series apart by name and line.

    ``recipes`` are all on the page; models of the first one have the plain style.
    """

    recipes: tuple[str, ...]

    def label(self, kind: Kind) -> str:
        """Name the method, with the recipe where there are several and the anomalies if any."""
        parts = [kind.method, *([kind.recipe] if len(self.recipes) > 1 else [])]
        if kind.anomalies:
            by = f" by {kind.way}" if kind.way else ""
            parts.append(counted(kind.anomalies, "anomaly", "anomalies") + by)
        return ", ".join(parts)

    def style(self, kind: Kind) -> Style:
        place = self.recipes.index(kind.recipe)
        if kind.way == "head":  # beyond the recipes' own
            place += len(self.recipes)
        dashes = RECIPE_DASHES[(place - 1) % len(RECIPE_DASHES)]
        style = STYLES[kind.method]
        return style._replace(dashes=dashes) if place else style

    def colour(self, kind: Kind) -> str:
        """Choose the line's colour in HTML."""
        return f"var({variable(kind.method)})"


def theme(colours: dict[MethodName, str]) -> str:
    """Declare the variables, for the page's style sheet."""
    return " ".join(f"{variable(method)}: {colour};" for method, colour in colours.items())
