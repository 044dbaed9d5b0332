"""From the outcomes in an experiment's folder to its tables and figure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from rattle.atomic import replacing, write_text
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.experiments.figure2 import figure2
from rattle.experiments.figure2_plot import as_png, as_svg, draw_figure2
from rattle.experiments.peers import is_dcase2020_development
from rattle.experiments.plan import Plan
from rattle.experiments.results import figure2_result, table1_result, table2_result
from rattle.experiments.sheets import Result
from rattle.experiments.table1 import table1
from rattle.experiments.table2 import table2
from rattle.runs.outcome import Outcome, ScaleName


def outcomes_of(plan: Plan, folder: Path) -> list[Outcome]:
    """The outcomes of the plan's tasks, and of those they start from, that are done."""
    wanted = sorted({*plan.tasks, *(task.parent for task in plan.tasks if task.parent)})
    done = [task for task in wanted if task.is_done(folder)]
    return [Outcome.read(task.run_folder(folder).outcome) for task in done]


def conclude_table2(
    folder: Path,
    outcomes: Sequence[Outcome],
    clips: Manifest,
    notes: Sequence[str],
    scale: ScaleName,
) -> Result:
    """Write table2.md, .csv and .html."""
    table = table2(outcomes, scale=scale)
    if not table.cells:
        raise DataError(
            "no row of table2 is complete: it takes a model of every seed for a method and machine"
        )
    # Published averages are over every machine of the set.
    whole = {outcome.of for outcome in outcomes} == set(clips.machines())
    peers = whole and is_dcase2020_development(clips)
    result = table2_result(table, scale=scale, notes=notes, peers=peers)
    result.write(folder)
    return result


def conclude_table1(
    folder: Path,
    outcomes: Sequence[Outcome],
    validation: Collection[Machine] | None,
    notes: Sequence[str],
    scale: ScaleName,
) -> Result:
    """Write table1.md, .csv and .html."""
    rows = table1(outcomes, validation, scale=scale)
    if not rows:
        raise DataError(
            "no row of table1 is complete: it takes a model of every seed for all machines of a "
            "type, some to choose alpha on and others to evaluate"
        )
    result = table1_result(rows, scale=scale, notes=notes)
    result.write(folder)
    return result


def conclude_figure2(
    folder: Path, outcomes: Sequence[Outcome], notes: Sequence[str], scale: ScaleName
) -> Result:
    """Write figure2.svg, .png, .md, .csv and .html."""
    points = figure2(outcomes, scale=scale)
    if not points:
        raise DataError(
            "no point of figure2 is complete: it takes an adapted model of every seed for all "
            "machines of a type"
        )
    figure = draw_figure2(points)
    svg = as_svg(figure)
    result = figure2_result(points, svg, scale=scale, notes=notes)
    write_text(folder / "figure2.svg", svg)
    with replacing(folder / "figure2.png") as beside:
        beside.write_bytes(as_png(figure))
    result.write(folder)
    return result
