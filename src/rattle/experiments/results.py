"""Word tables I and II and figure 2, with rounded figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rattle.experiments.figure2 import Point, lines
from rattle.experiments.peers import PEERS
from rattle.experiments.sheets import Result, Sheet
from rattle.experiments.table1 import Row
from rattle.experiments.table2 import Spread, Table2
from rattle.runtime.clip_scorer import ScaleName

NOTHING = "-"
LEARNT_BY = (
    "By encoder: it is trained on, as the paper does. By head: the encoder stays as it is, and the "
    "head is fitted anew."
)
SCALES: dict[ScaleName, str] = {
    "paper": "Distances are scaled by their range over the test clips, as in the paper.",
    "fixed": "Distances are scaled as stored in the bundle (fixed scale).",
}


def table2_result(table: Table2, *, scale: ScaleName, notes: Sequence[str], peers: bool) -> Result:
    """Word table II, a row a machine; ``peers`` says whether published figures compare."""
    seeds = ", ".join(map(str, table.seeds))
    over = f"mean ± standard error over seeds {seeds}" if len(table.seeds) > 1 else f"seed {seeds}"
    sheets = []
    for name, field in (("AUC", "auc"), ("pAUC", "pauc")):
        rows = []
        for column in table.columns:
            cells = [table.cells.get((method, column)) for method in table.methods]
            shown = [NOTHING if cell is None else _spread(getattr(cell, field)) for cell in cells]
            rows.append((column, *shown))
        sheets.append(Sheet(f"{name} in %, {over}", ("machine", *table.methods), tuple(rows)))
    if peers:
        published = [(peer.name, f"{peer.auc}", f"{peer.pauc}", peer.source) for peer in PEERS]
        title = "Published, in %, mean over the six types of the development set"
        sheets.append(Sheet(title, ("method", "AUC", "pAUC", "source"), tuple(published)))
    values = [
        (
            method,
            column,
            cell.auc.mean,
            cell.auc.standard_error,
            cell.pauc.mean,
            cell.pauc.standard_error,
            cell.auc.seeds,
        )
        for (method, column), cell in table.cells.items()
    ]
    return Result(
        "table2",
        "Methods without anomalies (Table II)",
        tuple(sheets),
        ("method", "column", "auc", "auc_se", "pauc", "pauc_se", "seeds"),
        tuple(values),
        (SCALES[scale], *notes),
    )


def table1_result(rows: Sequence[Row], *, scale: ScaleName, notes: Sequence[str]) -> Result:
    """Word table I, a row a loss and a machine type."""
    shown = tuple(
        (
            row.method,
            row.type,
            f"{row.alpha:.1f}",
            NOTHING if row.paper is None else f"{row.paper:.1f}",
            *(f"{100 * area:.1f}" for area in (row.validation, row.evaluation, row.default)),
        )
        for row in rows
    )
    heading = (
        "method",
        "type",
        "alpha",
        "paper's alpha",
        "validation",
        "evaluation",
        "recipe's alpha",
    )
    fields = ("method", "type", "alpha", "paper", "validation", "evaluation", "default")
    return Result(
        "table1",
        "Alpha for each machine type (Table I)",
        (Sheet("Alpha, and mean AUC in % with it", heading, shown),),
        ("method", "type", "alpha", "paper", "validation_auc", "evaluation_auc", "default_auc"),
        tuple(tuple(getattr(row, field) for field in fields) for row in rows),
        (
            "Alpha is chosen on a type's validation machines and applied to its others, the "
            "evaluation machines; the last column is theirs with the recipe's alpha instead.",
            SCALES[scale],
            *notes,
        ),
    )


def figure2_result(
    points: Sequence[Point], svg: str, *, scale: ScaleName, notes: Sequence[str]
) -> Result:
    """Word figure 2 by its points, a sheet a machine type."""
    sheets = []
    for type_ in sorted({point.type for point in points}):
        of_type = [point for point in points if point.type == type_]
        columns = lines(of_type)
        cells = {(line.name, p.anomalies): p for line in columns for p in line.points}
        names = tuple(line.name for line in columns)
        rows = [
            (str(count), *(_point(cells.get((name, count))) for name in names))
            for count in sorted({point.anomalies for point in of_type})
        ]
        title = f"{type_}: AUC in % (95 % interval) by anomalies in training"
        sheets.append(Sheet(title, ("anomalies", *names), tuple(rows)))
    fields = tuple(field.name for field in dataclasses.fields(Point))
    return Result(
        "figure2",
        "AUC against the number of anomalies in training (Fig. 2)",
        tuple(sheets),
        fields,
        tuple(tuple(getattr(point, field) for field in fields) for point in points),
        (
            "Bars and brackets: 95 % interval for the choice of test clips (Hanley and McNeil, "
            "1982). The CSV file also has that for the choice of seed (Student's t). All points of "
            "a machine and seed are tested on the same clips.",
            LEARNT_BY,
            SCALES[scale],
            *notes,
        ),
        svg,
    )


def _spread(spread: Spread) -> str:
    error = "" if spread.standard_error is None else f" ± {100 * spread.standard_error:.1f}"
    return f"{100 * spread.mean:.1f}{error}"


def _point(point: Point | None) -> str:
    if point is None:
        return NOTHING
    return f"{100 * point.auc:.1f} ({100 * point.low:.0f}-{100 * point.high:.0f})"
