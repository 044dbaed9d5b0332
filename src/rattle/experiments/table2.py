"""Table II: every method on every machine without anomalies, AUC and pAUC.

A machine type's figure is the mean over its machines, the machine average the mean over types, both
seed by seed; then the mean and the standard error over seeds are taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from rattle.clips.machine import Machine
from rattle.evaluation.metrics import auc, pauc
from rattle.recipe.parts import BASELINES, LOSSES, MethodName
from rattle.runs.outcome import Outcome
from rattle.runtime.clip_scorer import ScaleName

AVERAGE = "machine average"
METHODS: tuple[MethodName, ...] = (*LOSSES, *BASELINES)


@dataclass(frozen=True)
class Spread:
    """A mean over seeds and its standard error, which one seed does not give."""

    mean: float
    standard_error: float | None
    seeds: int

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
        return cls(fmean(values), error, len(values))


@dataclass(frozen=True)
class Cell:
    """What a method reaches in a column."""

    auc: Spread
    pauc: Spread


@dataclass(frozen=True)
class Table2:
    """``cells`` by method and column; a cell is missing where a seed or machine is.

    Columns are machines (``fan/id_00``), the mean of a type (``fan mean``) where it has several
    machines, and the machine average.
    """

    columns: tuple[str, ...]
    methods: tuple[MethodName, ...]
    cells: Mapping[tuple[MethodName, str], Cell]
    seeds: tuple[int, ...]


def table2(outcomes: Iterable[Outcome], *, scale: ScaleName) -> Table2:
    """Make the table of all models without anomalies among ``outcomes``.

    A machine whose test clips are not of both classes is left out.
    """
    figures: dict[tuple[MethodName, Machine, int], tuple[float, float]] = {}
    for outcome in outcomes:
        if outcome.anomalies:
            continue
        normal, anomaly = outcome.scores(scale=scale)
        if normal.size and anomaly.size:
            key = (outcome.method, outcome.of, outcome.seed)
            figures[key] = (auc(normal, anomaly), pauc(normal, anomaly))
    machines = sorted({machine for _, machine, _ in figures})
    seeds = tuple(sorted({seed for _, _, seed in figures}))
    methods = tuple(m for m in METHODS if any(m == method for method, _, _ in figures))
    members = _members(machines)
    cells = {}
    for method in methods:
        for column, types in members.items():
            cell = _cell(figures, method, types, seeds)
            if cell is not None:
                cells[method, column] = cell
    return Table2(tuple(members), methods, cells, seeds)


def _members(machines: Sequence[Machine]) -> dict[str, list[list[Machine]]]:
    """List the columns, each with the machines that it is the mean over, type by type."""
    types: dict[str, list[Machine]] = {}
    for machine in machines:
        types.setdefault(machine.type, []).append(machine)
    columns: dict[str, list[list[Machine]]] = {}
    for type_, of_type in types.items():
        columns |= {str(machine): [[machine]] for machine in of_type}
        if len(of_type) > 1:
            # Not the type's bare name, which a machine without an id has too.
            columns[f"{type_} mean"] = [of_type]
    if len(machines) > 1:
        columns[AVERAGE] = list(types.values())
    return columns


def _cell(
    figures: Mapping[tuple[MethodName, Machine, int], tuple[float, float]],
    method: MethodName,
    types: Sequence[Sequence[Machine]],
    seeds: Sequence[int],
) -> Cell | None:
    spreads = []
    for which in (0, 1):
        by_seed = []
        for seed in seeds:
            try:
                by_seed.append(
                    fmean(
                        fmean(figures[method, machine, seed][which] for machine in of_type)
                        for of_type in types
                    )
                )
            except KeyError:
                return None
        spreads.append(Spread.over(by_seed))
    return Cell(*spreads)
