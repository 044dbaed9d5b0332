"""The paper's three experiments: what each of them trains, and what it makes of the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rattle.atomic import replacing, write_text
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.experiments.experiment import Selection
from rattle.experiments.figure2 import figure2
from rattle.experiments.figure2_plot import as_png, as_svg, draw_figure2
from rattle.experiments.peers import is_dcase2020_development
from rattle.experiments.plan import Plan, plan_adaptation, plan_training
from rattle.experiments.results import figure2_result, table1_result, table2_result
from rattle.experiments.sheets import Result
from rattle.experiments.table1 import COMBINED, check_kinds, table1
from rattle.experiments.table2 import table2
from rattle.recipe import Recipe
from rattle.recipe.parts import LOSSES, BaselineName, MethodName
from rattle.runs.outcome import Outcome
from rattle.runtime.clip_scorer import ScaleName


@dataclass(frozen=True)
class Table1Experiment:
    """Choose alpha for each machine type on ``validation`` machines, evaluate it on the others.

    None are the machines that DCASE 2020 has in its development set.
    """

    selection: Selection
    validation: tuple[Machine, ...] | None = None
    name: ClassVar[str] = "table1"
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".csv", ".html")

    @property
    def methods(self) -> tuple[MethodName, ...]:
        return tuple(loss for loss in self.selection.losses if loss in COMBINED)

    def plan(self, clips: Manifest, recipe: Recipe) -> Plan:
        if not self.methods:
            raise DataError(f"no loss to compare: {self.name} takes {' and '.join(COMBINED)}")
        chosen = self.selection
        plan = plan_training(
            clips, recipe, machines=chosen.machines, methods=self.methods, seeds=chosen.seeds
        )
        check_kinds(plan.machines, self.validation)
        return plan

    def conclude(
        self,
        folder: Path,
        outcomes: Sequence[Outcome],
        clips: Manifest,
        notes: Sequence[str],
        scale: ScaleName,
    ) -> Result:
        rows = table1(outcomes, self.validation, scale=scale)
        if not rows:
            raise DataError(
                "no row of table1 is complete: it takes a model of every seed for all machines of "
                "a type, some to choose alpha on and others to evaluate"
            )
        result = table1_result(rows, scale=scale, notes=notes)
        result.write(folder)
        return result


@dataclass(frozen=True)
class Table2Experiment:
    """Compare all losses and ``baselines`` without anomalies."""

    selection: Selection
    baselines: tuple[BaselineName, ...] = ()
    name: ClassVar[str] = "table2"
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".csv", ".html")

    @property
    def methods(self) -> tuple[MethodName, ...]:
        return (*self.selection.losses, *self.baselines)

    def plan(self, clips: Manifest, recipe: Recipe) -> Plan:
        if not self.methods:
            raise DataError(f"no loss to compare: {self.name} takes {', '.join(LOSSES)}")
        chosen = self.selection
        return plan_training(
            clips, recipe, machines=chosen.machines, methods=self.methods, seeds=chosen.seeds
        )

    def conclude(
        self,
        folder: Path,
        outcomes: Sequence[Outcome],
        clips: Manifest,
        notes: Sequence[str],
        scale: ScaleName,
    ) -> Result:
        table = table2(outcomes, scale=scale)
        if not table.cells:
            raise DataError(
                "no row of table2 is complete: it takes a model of every seed for a method and "
                "machine"
            )
        # Published averages are over every machine of the set.
        whole = {outcome.of for outcome in outcomes} == set(clips.machines())
        peers = whole and is_dcase2020_development(clips)
        result = table2_result(table, scale=scale, notes=notes, peers=peers)
        result.write(folder)
        return result


@dataclass(frozen=True)
class Figure2Experiment:
    """Adapt each loss's models with each of ``counts`` of anomalies."""

    selection: Selection
    counts: tuple[int, ...]
    name: ClassVar[str] = "figure2"
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".csv", ".html", ".svg", ".png")

    @property
    def methods(self) -> tuple[MethodName, ...]:
        return self.selection.losses

    def plan(self, clips: Manifest, recipe: Recipe) -> Plan:
        if not self.methods:
            raise DataError(f"no loss to compare: {self.name} takes {', '.join(LOSSES)}")
        chosen = self.selection
        return plan_adaptation(
            clips,
            recipe,
            machines=chosen.machines,
            methods=self.methods,
            seeds=chosen.seeds,
            counts=self.counts,
        )

    def conclude(
        self,
        folder: Path,
        outcomes: Sequence[Outcome],
        clips: Manifest,
        notes: Sequence[str],
        scale: ScaleName,
    ) -> Result:
        points = figure2(outcomes, scale=scale)
        if not points:
            raise DataError(
                "no point of figure2 is complete: it takes an adapted model of every seed for all "
                "machines of a type"
            )
        figure = draw_figure2(points)
        svg = as_svg(figure)
        result = figure2_result(points, svg, scale=scale, notes=notes)
        write_text(folder / f"{self.name}.svg", svg)
        with replacing(folder / f"{self.name}.png") as beside:
            beside.write_bytes(as_png(figure))
        result.write(folder)
        return result
