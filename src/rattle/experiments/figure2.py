"""Figure 2: AUC against the number of anomalies that a model was adapted with.

The anomalies drawn for a seed are set apart once, so every number of them is tested on the same
clips; the model without anomalies too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from rattle.evaluation.metrics import auc, standard_error
from rattle.experiments.outcome import Outcome, ScaleName
from rattle.experiments.table2 import METHODS
from rattle.recipe import MethodName

# Fewer test anomalies than this say nothing about a detector.
LEAST_ANOMALIES = 10
# 97.5 % quantile of Student's t for 1, 2, ... degrees of freedom; beyond, the normal one.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
NORMAL = 1.96


@dataclass(frozen=True)
class Point:
    """A method on a machine type with so many anomalies: mean over machines and seeds.

    ``low`` and ``high`` are the 95 % interval for the choice of test clips (Hanley and McNeil),
    ``seed_low`` and ``seed_high`` that for the choice of seed (Student's t), None for one seed.
    """

    type: str
    method: MethodName
    anomalies: int
    auc: float
    low: float
    high: float
    seed_low: float | None
    seed_high: float | None
    machines: int
    seeds: int


def figure2(outcomes: Iterable[Outcome], *, scale: ScaleName) -> list[Point]:
    """The points of all adapted models and of the models that they started from."""
    every = list(outcomes)
    untouched = {(o.method, o.machine, o.seed): o for o in every if not o.anomalies}
    found: dict[tuple[str, MethodName, int], dict[int, list[tuple[float, float]]]] = {}
    started = set()
    for outcome in every:
        if not outcome.anomalies:
            continue
        _note(found, outcome, outcome.drawn, scale)
        parent = untouched.get((outcome.method, outcome.machine, outcome.seed))
        if parent is not None and (parent.method, parent.machine, parent.seed) not in started:
            started.add((parent.method, parent.machine, parent.seed))
            _note(found, parent, outcome.drawn, scale)
    keys = sorted(found, key=lambda key: (key[0], METHODS.index(key[1]), key[2]))
    return [_point(*key, found[key]) for key in keys]


def _note(
    found: dict[tuple[str, MethodName, int], dict[int, list[tuple[float, float]]]],
    outcome: Outcome,
    drawn: tuple[str, ...],
    scale: ScaleName,
) -> None:
    normal, anomaly = outcome.scores(scale=scale, without=drawn)
    if not normal.size or not anomaly.size:
        return
    area = auc(normal, anomaly)
    error = standard_error(area, normal.size, anomaly.size)
    by_seed = found.setdefault((outcome.of.type, outcome.method, outcome.anomalies), {})
    by_seed.setdefault(outcome.seed, []).append((area, error))


def _point(
    type_: str, method: MethodName, anomalies: int, by_seed: dict[int, list[tuple[float, float]]]
) -> Point:
    means = [fmean(area for area, _ in of_seed) for of_seed in by_seed.values()]
    mean = fmean(means)
    # Machines have test clips of their own; seeds share theirs, and so do not narrow the interval.
    errors = [
        math.sqrt(sum(error**2 for _, error in of_seed)) / len(of_seed)
        for of_seed in by_seed.values()
    ]
    reach = NORMAL * fmean(errors)
    seed_reach = None
    if len(means) > 1:
        degrees = len(means) - 1
        quantile = STUDENT[degrees - 1] if degrees <= len(STUDENT) else NORMAL
        seed_reach = quantile * stdev(means) / math.sqrt(len(means))
    return Point(
        type=type_,
        method=method,
        anomalies=anomalies,
        auc=mean,
        low=max(mean - reach, 0.0),
        high=min(mean + reach, 1.0),
        seed_low=None if seed_reach is None else max(mean - seed_reach, 0.0),
        seed_high=None if seed_reach is None else min(mean + seed_reach, 1.0),
        machines=max(map(len, by_seed.values())),
        seeds=len(by_seed),
    )
