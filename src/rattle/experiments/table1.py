"""Table I: alpha of equation 5, chosen for each machine type on validation machines.

The combined losses' alpha is the one with the largest mean AUC over a type's validation machines
and seeds; it is then applied to the type's other machines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rattle.calibration import ALPHAS
from rattle.clips.machine import Machine
from rattle.errors import DataError
from rattle.evaluation.metrics import auc
from rattle.experiments.outcome import Outcome, ScaleName
from rattle.experiments.peers import DEVELOPMENT
from rattle.recipe import MethodName

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
    """Whether alpha is chosen on that machine: one named, else one of DCASE 2020's development."""
    if chosen is not None:
        return machine in chosen
    return machine.id in DEVELOPMENT.get(machine.type, ())


def check_kinds(machines: Sequence[Machine], chosen: Collection[Machine] | None) -> None:
    """``DataError`` where no type has machines to choose alpha on and others to evaluate."""
    kinds: dict[str, set[bool]] = {}
    for machine in machines:
        kinds.setdefault(machine.type, set()).add(is_validation(machine, chosen))
    if {True, False} not in kinds.values():
        names = ", ".join(map(str, machines))
        raise DataError(
            f"of {names} no type has machines of both kinds, to choose alpha on and to evaluate; "
            "say with --validation which machines to choose on"
        )


def table1(
    outcomes: Iterable[Outcome], validation: Collection[Machine] | None, *, scale: ScaleName
) -> list[Row]:
    """A row for each combined loss and each type that has machines of both kinds."""
    groups: dict[tuple[MethodName, str], tuple[list[Outcome], list[Outcome]]] = {}
    for outcome in outcomes:
        if outcome.method in COMBINED and not outcome.anomalies:
            kinds = groups.setdefault((outcome.method, outcome.of.type), ([], []))
            kinds[0 if is_validation(outcome.of, validation) else 1].append(outcome)
    return [
        _row(method, type_, *kinds, scale)
        for (method, type_), kinds in sorted(groups.items())
        if all(kinds)
    ]


def _row(
    method: MethodName,
    type_: str,
    validation: list[Outcome],
    evaluation: list[Outcome],
    scale: ScaleName,
) -> Row:
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
