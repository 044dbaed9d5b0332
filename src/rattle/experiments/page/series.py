"""Compare runs: measure each, and put those that differ in their seed alone into a series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rattle.evaluation.metrics import Confusion, auc, confusion, hanley_mcneil, pauc
from rattle.experiments.figure2 import WAYS
from rattle.experiments.table2 import METHODS, Spread
from rattle.recipe.parts import MethodName
from rattle.runs.outcome import Outcome, Way
from rattle.runs.run import Run
from rattle.runtime.clip_scorer import ScaleName

Scores = NDArray[np.float64]


class Kind(NamedTuple):
    """What runs of one series share; ``way`` is what learnt from the anomalies, if any."""

    recipe: str
    method: MethodName
    anomalies: int
    way: Way | None = None

    @classmethod
    def of(cls, run: Run) -> Kind:
        way = run.way if run.anomalies else None
        return cls(run.recipe, run.method, run.anomalies, way)

    @property
    def order(self) -> tuple[str, int, int, int]:
        """What to sort by: recipe, as the tables order methods, anomalies, as figure 2 has ways."""
        return self.recipe, METHODS.index(self.method), self.anomalies, WAYS.index(self.way)


@dataclass(frozen=True)
class Measured:
    """A run's figures on its test clips, without the anomalies drawn for adaptation.

    ``normal`` ``[N-]`` and ``anomaly`` ``[N+]`` are scores by the chosen scale. ``counts`` are at
    the model's threshold, which is one of fixed-scale scores; ``threshold`` is None where the
    scores are of another.
    """

    normal: Scores
    anomaly: Scores
    threshold: float | None
    counts: Confusion

    @property
    def ranked(self) -> bool:
        """Whether there are clips of both classes, and so an AUC."""
        return bool(self.normal.size and self.anomaly.size)

    @cached_property
    def auc(self) -> float:
        return auc(self.normal, self.anomaly)

    @cached_property
    def pauc(self) -> float:
        return pauc(self.normal, self.anomaly)

    @property
    def interval(self) -> tuple[float, float]:
        """The AUC's 95 % interval after Hanley and McNeil."""
        return hanley_mcneil(self.auc, self.normal.size, self.anomaly.size)


def measure(outcome: Outcome, scale: ScaleName) -> Measured:
    """Measure a model by its outcome."""
    drawn = frozenset(outcome.drawn)
    fixed = outcome.scores(scale="fixed", without=drawn)
    normal, anomaly = fixed if scale == "fixed" else outcome.scores(scale=scale, without=drawn)
    return Measured(
        normal,
        anomaly,
        outcome.threshold if scale == "fixed" else None,
        confusion(*fixed, outcome.threshold),
    )


@dataclass(frozen=True)
class Series:
    """The runs of one kind on one machine, by seed; ``measured`` of those that have an outcome."""

    kind: Kind
    runs: tuple[Run, ...]
    measured: tuple[Measured | None, ...]

    @property
    def ranked(self) -> list[Measured]:
        """The figures of the runs that have an AUC."""
        return [found for found in self.measured if found and found.ranked]

    @property
    def shown(self) -> tuple[Run, Measured] | None:
        """The run with the lowest seed whose test clips are scored: its scores are drawn."""
        pairs = zip(self.runs, self.measured, strict=True)
        return next(((run, found) for run, found in pairs if found), None)

    @property
    def auc(self) -> Spread | None:
        aucs = [found.auc for found in self.ranked]
        return Spread.over(aucs) if aucs else None

    @property
    def detection_rates(self) -> NDArray[np.float64]:
        """Its ROC curve: the mean over seeds of ``detection_rates``, ``[N-]``."""
        curves = [detection_rates(found.normal, found.anomaly) for found in self.ranked]
        longest = max(map(len, curves))
        stretched = np.stack([_stretched(curve, longest) for curve in curves])
        return np.asarray(stretched.mean(axis=0), dtype=np.float64)


def detection_rates(normal: Scores, anomaly: Scores) -> NDArray[np.float64]:
    """Compute the largest share of anomalies found with 0, 1, ... N- - 1 false alarms, ``[N-]``.

    The ROC curve is the steps over intervals of 1 / N-; their mean is the AUC of equation 6, which
    counts an anomaly that scores as a normal does as missed.
    """
    ranked = np.sort(anomaly)
    missed = np.searchsorted(ranked, np.sort(normal)[::-1], side="right")
    return np.asarray(1 - missed / anomaly.size, dtype=np.float64)


def _stretched(curve: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Take the curve's steps at ``length`` points; runs may be tested on other normals."""
    at = (np.arange(length) + 0.5) / length
    return np.asarray(curve[(at * len(curve)).astype(int)], dtype=np.float64)


def without_doubles(runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """Choose one run of every kind, machine and seed; return also a note for each left out.

    A run that is not finished gives way without one: it may be an adaptation, for only the model
    would tell.
    """
    found: dict[object, Run] = {}
    notes = []
    for run in sorted(runs, key=lambda run: not run.finished):
        known = found.setdefault((Kind.of(run), run.machine, run.seed), run)
        if known is not run and run.finished:
            notes.append(
                f"{run.name} is, like {known.name}, of {run.method} for {run.machine} "
                f"with seed {run.seed} by recipe {run.recipe}; only the latter is in means and "
                "plots. Give recipes names of their own to compare them."
            )
    return list(found.values()), notes
