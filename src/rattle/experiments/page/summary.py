"""Summarise models by machines: means over seeds, best model first. Figures are Table II's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rattle.experiments.page.series import Kind
from rattle.experiments.table2 import AVERAGE, Cell, table2
from rattle.runs.outcome import Outcome
from rattle.runtime.clip_scorer import ScaleName


@dataclass(frozen=True)
class Summary:
    """``columns`` are the means, widest first, then machines; ``cells`` may lack some.

    ``rows`` are sorted by the AUC of the first column; ``seeds`` is how many a cell is over at
    most; ``best`` holds each column's largest AUC and pAUC.
    """

    columns: tuple[str, ...]
    rows: tuple[Kind, ...]
    cells: dict[tuple[Kind, str], Cell]
    seeds: int
    best: dict[str, tuple[float, float]]


def summarise(outcomes: Sequence[tuple[Kind, Outcome]], scale: ScaleName) -> Summary | None:
    """Summarise the models without anomalies; None where none of them is ranked.

    Where models were not all trained with the same seeds, a cell is over the seeds that it has.
    """
    of_kind: dict[Kind, list[Outcome]] = {}
    for kind, outcome in outcomes:
        if not outcome.anomalies:
            of_kind.setdefault(kind, []).append(outcome)
    every = [outcome for one_kind in of_kind.values() for outcome in one_kind]
    machines = {outcome.machine for outcome in every}
    columns = table2(every, scale=scale).columns
    columns = tuple(sorted(columns, key=lambda column: (column in machines, column != AVERAGE)))
    cells: dict[tuple[Kind, str], Cell] = {}
    for kind, one_kind in of_kind.items():
        own = _cells(one_kind, scale)
        if len({(method, column) for method, column in own}) < len(columns):
            for machine in sorted({o.machine for o in one_kind}):
                own = _cells([o for o in one_kind if o.machine == machine], scale) | own
        cells |= {(kind, column): cell for (_, column), cell in own.items()}
    if not cells:
        return None
    kinds = sorted({kind for kind, _ in cells}, key=lambda kind: kind.order)
    first = columns[0]
    kinds.sort(key=lambda kind: -cells[kind, first].auc.mean if (kind, first) in cells else 1.0)
    return Summary(
        columns=columns,
        rows=tuple(kinds),
        cells=cells,
        seeds=max(cell.auc.seeds for cell in cells.values()),
        best={column: _best(cells, column) for column in columns},
    )


def _cells(outcomes: Sequence[Outcome], scale: ScaleName) -> dict[tuple[str, str], Cell]:
    return {
        (str(m), column): cell for (m, column), cell in table2(outcomes, scale=scale).cells.items()
    }


def _best(cells: dict[tuple[Kind, str], Cell], column: str) -> tuple[float, float]:
    of_column = [cell for (_, at), cell in cells.items() if at == column]
    return (
        max((cell.auc.mean for cell in of_column), default=0.0),
        max((cell.pauc.mean for cell in of_column), default=0.0),
    )
