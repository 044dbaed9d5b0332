"""Figure 2: AUC against the number of anomalies that a model was adapted with.

The anomalies drawn for a seed are set apart once, so every number of them is tested on the same
clips; the model without anomalies too. A machine type's figure is the mean over its machines, seed
by seed; then the mean over seeds is taken. Encoders and heads that learnt start at the same model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from scipy.stats import t as student

from rattle.clips.machine import Machine
from rattle.evaluation.metrics import auc, standard_error
from rattle.experiments.table2 import METHODS
from rattle.recipe.parts import MethodName
from rattle.runs.outcome import Outcome, Way
from rattle.runtime.clip_scorer import ScaleName

# Fewer test anomalies than this say nothing about a detector.
LEAST_ANOMALIES = 10
WAYS: tuple[Way | None, ...] = (None, "encoder", "head")
# Two-sided 95 %.
QUANTILE = 0.975

# A machine and a seed, and what a model of them reaches: AUC and its standard error.
Figures = dict[tuple[Machine, int], tuple[float, float]]
# A point: machine type, method, way and number of anomalies.
Key = tuple[str, MethodName, Way | None, int]


@dataclass(frozen=True)
class Point:
    """A method on a machine type with so many anomalies: mean over machines and seeds.

    ``way`` is what learnt from them: None of the model without any, and where it is not known.
    ``low`` and ``high`` are the 95 % interval for the choice of test clips (Hanley and McNeil),
    ``seed_low`` and ``seed_high`` that for the choice of seed (Student's t), None for one seed.
    """

    type: str
    method: MethodName
    way: Way | None
    anomalies: int
    auc: float
    low: float
    high: float
    seed_low: float | None
    seed_high: float | None
    machines: int
    seeds: int


@dataclass(frozen=True)
class Line:
    """A method's points on a machine type by one way to learn, from the model without anomalies."""

    method: MethodName
    way: Way | None
    points: tuple[Point, ...]

    @property
    def order(self) -> tuple[int, int]:
        """What to sort by: as the tables order methods, the encoder before the head."""
        return METHODS.index(self.method), WAYS.index(self.way)

    @property
    def name(self) -> str:
        return f"{self.method} by {self.way}" if self.way else self.method


def lines(points: Iterable[Point]) -> list[Line]:
    """Put the points of one machine type into lines; the model without anomalies starts each."""
    every = list(points)
    made: list[Line] = []
    for method in (method for method in METHODS if any(p.method == method for p in every)):
        of_method = [point for point in every if point.method == method]
        start = [point for point in of_method if not point.anomalies]
        adapted = [point for point in of_method if point.anomalies]
        # Without any, each adaptation failed or lacks a machine.
        ways = {point.way for point in adapted} or {None}
        made += [
            Line(method, way, (*start, *(point for point in adapted if point.way == way)))
            for way in sorted(ways, key=WAYS.index)
        ]
    return made


def figure2(outcomes: Iterable[Outcome], *, scale: ScaleName) -> list[Point]:
    """Make the points of all adapted models and of the models that they started from.

    All models of a machine and seed are tested on the clips that none of them was given. A point is
    missing where a machine or seed that another point of its type has is: means over other machines
    would not compare.
    """
    every = list(outcomes)
    drawn: dict[tuple[Machine, int], set[str]] = {}
    for outcome in every:
        drawn.setdefault((outcome.of, outcome.seed), set()).update(outcome.drawn)
    adapted = {(o.method, o.of, o.seed) for o in every if o.anomalies}
    by_point: dict[Key, Figures] = {}
    for outcome in every:
        if (outcome.method, outcome.of, outcome.seed) not in adapted:
            continue
        pair = outcome.of, outcome.seed
        normal, anomaly = outcome.scores(scale=scale, without=drawn[pair])
        if normal.size and anomaly.size:
            area = auc(normal, anomaly)
            error = standard_error(area, normal.size, anomaly.size)
            way = outcome.way if outcome.anomalies else None
            key = outcome.of.type, outcome.method, way, outcome.anomalies
            by_point.setdefault(key, {})[pair] = area, error
    points = (
        _point(*key, by_point[key], _pairs(by_point, key[0]))
        for key in sorted(by_point, key=_order)
    )
    return [point for point in points if point is not None]


def _order(key: Key) -> tuple[str, int, int, int]:
    type_, method, way, anomalies = key
    return type_, METHODS.index(method), WAYS.index(way), anomalies


def _pairs(by_point: Mapping[Key, Figures], type_: str) -> tuple[list[Machine], list[int]]:
    """List the machines and seeds that the points of a type are over."""
    pairs = [pair for (of, *_), figures in by_point.items() if of == type_ for pair in figures]
    return sorted({machine for machine, _ in pairs}), sorted({seed for _, seed in pairs})


def _point(
    type_: str,
    method: MethodName,
    way: Way | None,
    anomalies: int,
    figures: Figures,
    over: tuple[Sequence[Machine], Sequence[int]],
) -> Point | None:
    machines, seeds = over
    if len(figures) < len(machines) * len(seeds):
        return None
    by_seed = [[figures[machine, seed] for machine in machines] for seed in seeds]
    means = [fmean(area for area, _ in of_seed) for of_seed in by_seed]
    mean = fmean(means)
    # Machines have test clips of their own; seeds share theirs, and so do not narrow the interval.
    errors = [math.hypot(*(error for _, error in of_seed)) / len(of_seed) for of_seed in by_seed]
    reach = NormalDist().inv_cdf(QUANTILE) * fmean(errors)
    seed_reach = None
    if len(means) > 1:
        quantile = float(student.ppf(QUANTILE, len(means) - 1))
        seed_reach = quantile * stdev(means) / math.sqrt(len(means))
    return Point(
        type=type_,
        method=method,
        way=way,
        anomalies=anomalies,
        auc=mean,
        low=max(mean - reach, 0.0),
        high=min(mean + reach, 1.0),
        seed_low=None if seed_reach is None else max(mean - seed_reach, 0.0),
        seed_high=None if seed_reach is None else min(mean + seed_reach, 1.0),
        machines=len(machines),
        seeds=len(seeds),
    )
