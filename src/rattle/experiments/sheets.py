"""A result as rows of text, and rows as Markdown, CSV and HTML."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.atomic import write_text
from rattle.experiments.figure2 import Point
from rattle.experiments.peers import PEERS
from rattle.experiments.table1 import Row
from rattle.experiments.table2 import Spread, Table2


@dataclass(frozen=True)
class Sheet:
    """A titled table of text."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """What an experiment found: sheets to read, one table of raw values, and remarks.

    ``values`` are rows of full precision with ``fields`` as their heading.
    """

    name: str
    title: str
    sheets: tuple[Sheet, ...]
    fields: tuple[str, ...]
    values: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()
    svg: str = ""

    def write(self, folder: Path) -> list[Path]:
        """Write NAME.md, NAME.csv and NAME.html, and say where."""
        texts = {"md": self.markdown(), "csv": self.csv(), "html": self.html()}
        paths = [folder / f"{self.name}.{suffix}" for suffix in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            write_text(path, text)
        return paths

    def markdown(self) -> str:
        parts = [f"# {self.title}"]
        if self.svg:
            parts.append(f"![{self.title}]({self.name}.svg)")
        for sheet in self.sheets:
            lines = [sheet.heading, tuple("---" for _ in sheet.heading), *sheet.rows]
            table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
            parts.append(f"{sheet.title}\n\n{table}")
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts) + "\n"

    def csv(self) -> str:
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.fields)
        writer.writerows(["" if v is None else v for v in row] for row in self.values)
        return file.getvalue()

    def html(self) -> str:
        body = [f"<h1>{html.escape(self.title)}</h1>", self.svg[self.svg.find("<svg") :]]
        for sheet in self.sheets:
            rows = ["".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in sheet.heading)]
            for first, *rest in sheet.rows:
                cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
                rows.append(f'<th scope="row">{html.escape(first)}</th>{cells}')
            table = "\n".join(f"<tr>{row}</tr>" for row in rows)
            body.append(f"<table><caption>{html.escape(sheet.title)}</caption>\n{table}</table>")
        body.append("<ul>" + "".join(f"<li>{html.escape(n)}</li>" for n in self.notes) + "</ul>")
        return PAGE.format(title=html.escape(self.title), body="\n".join(body))


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem;
  padding: 0 1rem; color: #222; background: #fff; }}
table {{ border-collapse: collapse; margin: 1.5rem 0; display: block; overflow-x: auto;
  font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: 600; padding-bottom: .4rem; }}
th, td {{ padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child {{ text-align: left; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def table2_result(table: Table2, *, scale: str, notes: Sequence[str], peers: bool) -> Result:
    """Table II to read and as values; ``peers`` says whether published figures compare."""
    seeds = ", ".join(map(str, table.seeds))
    over = f"mean ± standard error over seeds {seeds}" if len(table.seeds) > 1 else f"seed {seeds}"
    sheets = []
    for what in ("auc", "pauc"):
        name = {"auc": "AUC", "pauc": "pAUC"}[what]
        rows = []
        for method in table.methods:
            cells = [table.cells.get((method, column)) for column in table.columns]
            shown = ["-" if cell is None else _spread(getattr(cell, what)) for cell in cells]
            rows.append((method, *shown))
        sheets.append(Sheet(f"{name} in %, {over}", ("method", *table.columns), tuple(rows)))
    if peers:
        rows = [(peer.name, f"{peer.auc}", f"{peer.pauc}", peer.source) for peer in PEERS]
        sheets.append(
            Sheet(
                "Published, in %, mean over the six types of the development set",
                ("method", "AUC", "pAUC", "source"),
                tuple(rows),
            )
        )
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
        (_scale_note(scale), *notes),
    )


def table1_result(rows: Sequence[Row], *, scale: str, notes: Sequence[str]) -> Result:
    """Table I to read and as values."""
    shown = tuple(
        (
            row.method,
            row.type,
            f"{row.alpha:.1f}",
            "-" if row.paper is None else f"{row.paper:.1f}",
            f"{100 * row.validation:.1f}",
            f"{100 * row.evaluation:.1f}",
            f"{100 * row.default:.1f}",
        )
        for row in rows
    )
    heading = (
        "method",
        "type",
        "alpha",
        "the paper's alpha",
        "validation AUC",
        "evaluation AUC",
        "with the recipe's alpha",
    )
    return Result(
        "table1",
        "Alpha for each machine type (Table I)",
        (Sheet("AUC in %", heading, shown),),
        ("method", "type", "alpha", "paper", "validation_auc", "evaluation_auc", "default_auc"),
        tuple(
            (r.method, r.type, r.alpha, r.paper, r.validation, r.evaluation, r.default)
            for r in rows
        ),
        (_scale_note(scale), *notes),
    )


def figure2_result(
    points: Sequence[Point], svg: str, *, scale: str, notes: Sequence[str]
) -> Result:
    """Figure 2 with its points to read and as values."""
    sheets = []
    for type_ in sorted({point.type for point in points}):
        of_type = [point for point in points if point.type == type_]
        counts = sorted({point.anomalies for point in of_type})
        cells = {(p.method, p.anomalies): p for p in of_type}
        rows = [
            (method, *(_point(cells.get((method, count))) for count in counts))
            for method in dict.fromkeys(point.method for point in of_type)
        ]
        title = f"{type_}: AUC in % (95 %) by anomalies in training"
        sheets.append(Sheet(title, ("method", *map(str, counts)), tuple(rows)))
    fields = ("type", "method", "anomalies", "auc", "low", "high", "seed_low", "seed_high")
    values = [tuple(getattr(p, f) for f in (*fields, "machines", "seeds")) for p in points]
    return Result(
        "figure2",
        "AUC against the number of anomalies in training (Fig. 2)",
        tuple(sheets),
        (*fields, "machines", "seeds"),
        tuple(values),
        (
            "Bars and brackets: 95 % interval for the choice of test clips (Hanley and McNeil, "
            "1982). All points of a seed are tested on the same clips.",
            _scale_note(scale),
            *notes,
        ),
        svg,
    )


def _scale_note(scale: str) -> str:
    if scale == "paper":
        return "Distances are scaled by their range over the test clips, as in the paper."
    return "Distances are scaled as stored in the bundle (fixed scale)."


def _spread(spread: Spread) -> str:
    error = "" if spread.standard_error is None else f" ± {100 * spread.standard_error:.1f}"
    return f"{100 * spread.mean:.1f}{error}"


def _point(point: Point | None) -> str:
    if point is None:
        return "-"
    return f"{100 * point.auc:.1f} ({100 * point.low:.0f}-{100 * point.high:.0f})"
