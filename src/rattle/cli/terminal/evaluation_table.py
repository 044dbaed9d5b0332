"""Lay out an evaluation as a table of at most 80 columns, and so readable when piped."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from rattle.evaluation.evaluate import Evaluation, MachineResult, Mean
from rattle.evaluation.remarks import remarks

NOTHING = "-"


def to_table(evaluation: Evaluation) -> Table:
    """Lay out a row a machine, a mean row after a type of several machines, the average at the end.

    Columns for the domains are there where domains are. The caption holds the official score of
    DCASE 2022 and later, where there is one, and the remarks.
    """
    headings = ["AUC", "95 %", "pAUC", "false\nalarms", "misses"]
    if evaluation.has_domains:
        headings[3:3] = ["source", "target"]
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, caption_justify="left"
    )
    table.add_column("machine", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for type_ in evaluation.types:
        for result in type_.machines:
            _add_row(table, _machine_cells(result, evaluation.has_domains))
        if type_.mean and len(type_.machines) > 1:
            _add_row(
                table,
                _mean_cells(f"{type_.name}, mean of {type_.mean.over}", type_.mean),
                style="bold",
            )
    if evaluation.average and len(evaluation.types) > 1:
        table.add_section()
        _add_row(
            table,
            _mean_cells(f"average of {evaluation.average.over} types", evaluation.average),
            style="bold",
        )
    table.caption = Text("\n".join([*_official_score(evaluation), *remarks(evaluation)]))
    return table


def _add_row(table: Table, cells: list[str], style: str = "") -> None:
    # Text, not str: a machine's name may hold brackets, which rich would read as markup.
    table.add_row(*(Text(cell) for cell in cells), style=style)


def _machine_cells(result: MachineResult, has_domains: bool) -> list[str]:
    counts, ranking = result.confusion, result.ranking
    figures = [NOTHING] * (5 if has_domains else 3)
    if ranking:
        low, high = ranking.interval
        figures = [_figure(ranking.auc), f"{low:.2f}-{high:.2f}", _figure(ranking.pauc)]
        if has_domains:
            figures += [_figure(ranking.auc_source), _figure(ranking.auc_target)]
    false_alarms = f"{counts.false_alarms}/{counts.n_normal}" if counts.n_normal else NOTHING
    misses = f"{counts.misses}/{counts.n_anomaly}" if counts.n_anomaly else NOTHING
    return [str(result.machine), *figures, false_alarms, misses]


def _mean_cells(name: str, mean: Mean) -> list[str]:
    return [name, _figure(mean.auc), "", _figure(mean.pauc)]


def _figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _official_score(evaluation: Evaluation) -> list[str]:
    if evaluation.official_score is None:
        return []
    return [
        f"DCASE 2022+ official score {evaluation.official_score:.3f}: the harmonic mean of AUC "
        "source, AUC target and pAUC."
    ]
