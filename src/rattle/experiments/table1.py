"""Table I: alpha of equation 5, chosen for each machine type on validation machines.

The combined losses' alpha is the one with the largest mean AUC over a type's validation machines
and seeds; it is then applied to the type's other machines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rattle.clips.machine import Machine
from rattle.detector.calibrate import ALPHAS
from rattle.errors import DataError
from rattle.evaluation.metrics import auc
from rattle.experiments.peers import DEVELOPMENT
from rattle.recipe.parts import MethodName
from rattle.runs.outcome import Outcome
from rattle.runtime.clip_scorer import ScaleName

COMBINED: tuple[MethodName, ...] = ("bce+dsad", "bce+ddcsad")
# The paper's Table I.
PAPER: dict[MethodName, dict[str, float]] = {
    "bce+dsad": {
        "fan": 0.1,
        "pump": 0.2,
        "slider": 0.0,
        "ToyCar": 0.0,
        "ToyConveyor": 0.0,
        "valve": 0.0,
    },
    "bce+ddcsad": {
        "fan": 0.1,
        "pump": 1.0,
        "slider": 1.0,
        "ToyCar": 0.1,
        "ToyConveyor": 0.0,
        "valve": 1.0,
    },
}


@dataclass(frozen=True)
class Row:
    """A combined loss on a machine type.

    ``evaluation`` is the mean AUC of the type's evaluation machines with the alpha chosen,
    ``default`` with the recipe's; ``paper`` the alpha of the paper's Table I, if it has the type.
    """

    method: MethodName
    type: str
    alpha: float
    validation: float
    evaluation: float
    default: float
    paper: float | None


def is_validation(machine: Machine, chosen: Collection[Machine] | None) -> bool:
    """Tell whether alpha is chosen on a machine: one of ``chosen``, else of DCASE 2020's set."""
    if chosen is not None:
        return machine in chosen
    return machine.id in DEVELOPMENT.get(machine.type, ())


def check_kinds(machines: Sequence[Machine], chosen: Collection[Machine] | None) -> None:
    """Check that some type has machines to choose alpha on and others to evaluate.

    Raises ``DataError`` where none has, and where one of ``chosen`` is not among ``machines``.
    """
    names = ", ".join(map(str, machines))
    for machine in chosen or ():
        if machine not in machines:
            raise DataError(
                f"{machine}, to choose alpha on, is not among the machines that take part: {names}",
                argument="validation",
            )
    kinds: dict[str, set[bool]] = {}
    for machine in machines:
        kinds.setdefault(machine.type, set()).add(is_validation(machine, chosen))
    if {True, False} not in kinds.values():
        raise DataError(
            f"of {names} no type has machines of both kinds, to choose alpha on and to evaluate; "
            "say which machines to choose on",
            argument="validation",
        )


def table1(
    outcomes: Iterable[Outcome], validation: Collection[Machine] | None, *, scale: ScaleName
) -> list[Row]:
    """Make a row for each combined loss and each type that has machines of both kinds.

    A row is missing where a machine or seed is that another row of the type has.
    """
    types: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.method in COMBINED and not outcome.anomalies and outcome.is_labelled:
            types.setdefault(outcome.of.type, []).append(outcome)
    rows = (
        _row(method, type_, types[type_], validation, scale)
        for method in COMBINED
        for type_ in sorted(types)
    )
    return [row for row in rows if row is not None]


def _row(
    method: MethodName,
    type_: str,
    of_type: list[Outcome],
    chosen: Collection[Machine] | None,
    scale: ScaleName,
) -> Row | None:
    machines, seeds = {o.of for o in of_type}, {o.seed for o in of_type}
    mine = {(o.of, o.seed): o for o in of_type if o.method == method}
    validation = [o for o in mine.values() if is_validation(o.of, chosen)]
    evaluation = [o for o in mine.values() if not is_validation(o.of, chosen)]
    if len(mine) < len(machines) * len(seeds) or not (validation and evaluation):
        return None
    default = validation[0].alpha
    aucs = {alpha: _mean_auc(validation, alpha, scale) for alpha in ALPHAS}
    alpha = max(ALPHAS, key=lambda alpha: (aucs[alpha], -abs(alpha - default)))
    return Row(
        method=method,
        type=type_,
        alpha=alpha,
        validation=aucs[alpha],
        evaluation=_mean_auc(evaluation, alpha, scale),
        default=_mean_auc(evaluation, None, scale),
        paper=PAPER[method].get(type_),
    )


def _mean_auc(outcomes: list[Outcome], alpha: float | None, scale: ScaleName) -> float:
    return fmean(auc(*outcome.scores(scale=scale, alpha=alpha)) for outcome in outcomes)
