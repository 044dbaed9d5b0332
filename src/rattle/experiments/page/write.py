"""Write the page: runs as one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib

from rattle.atomic import write_text
from rattle.clips.machine import Machine
from rattle.evaluation.remarks import FEW_CLIPS
from rattle.experiments.figure2 import Point, figure2, lines
from rattle.experiments.figure2_plot import draw_figure2
from rattle.experiments.page.embedding import method_at_hand
from rattle.experiments.page.machine import DRAWN, ShownMachine, show_machine
from rattle.experiments.page.plots import DOTS
from rattle.experiments.page.series import (
    Kind,
    Measured,
    Series,
    measure,
    without_doubles,
)
from rattle.experiments.page.styles import COLOURS, DARK, LIGHT, Names, theme
from rattle.experiments.page.summary import summarise
from rattle.pages.drawing import INK, MUTED, inline_svg
from rattle.pages.templates import page_template
from rattle.pages.words import counted
from rattle.runs.read import Reading
from rattle.runs.run import Run
from rattle.runtime.clip_scorer import ScaleName

# A page of more models than this takes long to open; the machines beyond have no plots.
MOST_STRIPS = 600
# So many machines are open at the start; more are a list to choose from.
OPEN = 4
# What of matplotlib's defaults is black; and a machine's name may hold dollars.
THEMED: dict[Any, Any] = {
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": MUTED,
}


@dataclass(frozen=True)
class DrawnFigure2:
    """Figure 2 of one recipe's models: drawn, and its points by type, line and anomalies."""

    recipe: str
    svg: str
    points: dict[str, dict[str, dict[int, Point]]]


def write_page(runs: Sequence[Run], reading: Reading, path: Path, *, scale: ScaleName) -> None:
    """Write the page of ``runs`` to ``path``; ``reading`` noted what was wrong with their files.

    The same runs give the same bytes. Names are escaped; the page asks no server for anything, and
    its one script, which sorts tables, is allowed by its hash and no other is.
    """
    measured = {run: measure(run.outcome, scale) if run.outcome else None for run in runs}
    chosen, doubles = without_doubles(runs)
    names = Names(tuple(sorted({run.recipe for run in runs})))
    outcomes = [(Kind.of(run), run.outcome) for run in chosen if run.outcome]
    script = resources.files("rattle.experiments.page").joinpath("sort.js").read_text("utf-8")
    machines = _machines(chosen, measured, names, reading)
    figures = list(_figures(chosen, names, scale))
    page = page_template("experiments/page/page.html.jinja").render(
        rows=sorted(
            measured.items(), key=lambda row: (row[0].machine, Kind.of(row[0]).order, row[0].seed)
        ),
        names=names,
        summary=summarise(outcomes, scale),
        figures=figures,
        machines=machines,
        is_open=len(machines) <= OPEN,
        scale=scale,
        flattened_by=method_at_hand(),
        dots=DOTS,
        notes=reading.notes,
        remarks=[*_remarks(measured), *doubles, *_undrawn(machines, figures)],
        light=theme(LIGHT),
        dark=theme(DARK),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    # A file's name need not be text.
    write_text(path, page.encode("utf-8", "backslashreplace").decode())


def _machines(
    runs: Sequence[Run], measured: dict[Run, Measured | None], names: Names, reading: Reading
) -> list[ShownMachine]:
    of_machine: dict[Machine, dict[Kind, list[Run]]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        of_machine.setdefault(run.machine, {}).setdefault(Kind.of(run), []).append(run)
    shown, left = [], MOST_STRIPS
    for number, machine in enumerate(sorted(of_machine)):
        every = [
            Series(kind, tuple(of_kind), tuple(measured[run] for run in of_kind))
            for kind, of_kind in sorted(of_machine[machine].items(), key=lambda pair: pair[0].order)
        ]
        left -= min(len(every), 2 * DRAWN)
        shown.append(show_machine(number, machine, every, names, reading if left >= 0 else None))
    return shown


def _figures(runs: Sequence[Run], names: Names, scale: ScaleName) -> Iterator[DrawnFigure2]:
    for place, recipe in enumerate(names.recipes):
        points = figure2(
            [run.outcome for run in runs if run.outcome and run.recipe == recipe], scale=scale
        )
        if not points:
            continue
        with matplotlib.rc_context(THEMED):
            svg = inline_svg(draw_figure2(points), f"figure2-{place}", COLOURS)
        of_types: dict[str, list[Point]] = {}
        for point in points:
            of_types.setdefault(point.type, []).append(point)
        by_line = {
            type_: {line.name: {p.anomalies: p for p in line.points} for line in lines(of_type)}
            for type_, of_type in of_types.items()
        }
        yield DrawnFigure2(recipe, svg, by_line)


def _remarks(measured: dict[Run, Measured | None]) -> Iterator[str]:
    """Say, in sentences, what a reader has to know to read the figures rightly."""
    unfinished = [run for run in measured if not run.finished]
    if unfinished:
        yield f"Not finished, so without a model: {_named(unfinished)}."
    unscored = [run for run in measured if run.finished and not run.outcome]
    if unscored:
        yield (
            f"Test clips not scored, so without figures: {_named(unscored)}. Make the page again "
            "and give it the recordings."
        )
    unranked = [run for run, found in measured.items() if found and not found.ranked]
    if unranked:
        yield f"No AUC, for lack of labelled test clips of both classes: {_named(unranked)}."
    few = [
        str(run.machine)
        for run, found in measured.items()
        if found and found.ranked and min(found.normal.size, found.anomaly.size) < FEW_CLIPS
    ]
    if few:
        yield (
            f"{', '.join(dict.fromkeys(few))}: fewer than {FEW_CLIPS} clips of a class; read these "
            "figures as a hint, not as a measurement."
        )
    if any(run.anomalies for run in measured):
        yield (
            "Figures of adapted models leave out the anomalies drawn for adaptation, so they are "
            "on other clips than those of models without; figure 2 compares on the same clips."
        )


def _undrawn(machines: Sequence[ShownMachine], figures: Sequence[DrawnFigure2]) -> Iterator[str]:
    adapted = [shown for shown in machines if shown.adapted]
    if adapted and not figures:
        yield (
            "No figure 2: it takes runs without anomalies and adapted ones, for the same machines "
            "and seeds of a type."
        )
    without = [str(shown.machine) for shown in machines if not shown.groups]
    if without:
        yield (
            f"So many models are on this page that {counted(len(without), 'machine')} at the end "
            f"have no plots: {', '.join(without)}. Make a page of these alone."
        )


def _named(runs: Sequence[Run], most: int = 5) -> str:
    listed = ", ".join(run.name for run in runs[:most])
    return listed if len(runs) <= most else f"{listed} and {len(runs) - most:,} more"
