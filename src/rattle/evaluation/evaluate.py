"""Measure scored clips: a result for each machine, a mean for each type and the average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, harmonic_mean

import polars as pl

from rattle.clips.machine import Machine
from rattle.errors import DataError
from rattle.evaluation.metrics import Confusion, auc, confusion, hanley_mcneil, pauc, tied_pairs
from rattle.evaluation.scored import by_machine, check_scored, scores_of


@dataclass(frozen=True)
class Ranking:
    """How well a machine's scores rank its anomalies above its normals.

    ``interval`` is the 95 % interval of the AUC; ``tied_share`` the share of pairs with equal
    scores. ``auc_source`` and ``auc_target`` are None where that domain has no normal clip.
    """

    auc: float
    interval: tuple[float, float]
    pauc: float
    tied_share: float
    auc_source: float | None
    auc_target: float | None


@dataclass(frozen=True)
class MachineResult:
    """One machine: its clips, its alarms and, where both classes are labelled, its ranking.

    ``alarms`` counts the clips of any label above the threshold. Where ``ranking`` is None,
    ``reason`` says why; otherwise it is empty.
    """

    machine: Machine
    threshold: float
    n_clips: int
    alarms: int
    confusion: Confusion
    ranking: Ranking | None
    reason: str

    @property
    def n_unknown(self) -> int:
        return self.n_clips - self.confusion.n_normal - self.confusion.n_anomaly


@dataclass(frozen=True)
class Mean:
    """The arithmetic mean over ``counted`` machines of a type, or over types.

    ``left_out`` names those that had no ranking and are therefore not in it.
    """

    auc: float
    pauc: float
    counted: int
    left_out: tuple[str, ...]

    @property
    def over(self) -> str:
        """How many it is over, for its label: ``4``, or ``3 of 4`` where one is left out."""
        total = self.counted + len(self.left_out)
        return f"{self.counted} of {total}" if self.left_out else f"{total}"


@dataclass(frozen=True)
class TypeResult:
    """The machines of one type; ``mean`` is None where none of them has a ranking."""

    name: str
    machines: tuple[MachineResult, ...]
    mean: Mean | None


@dataclass(frozen=True)
class Evaluation:
    """Everything measured on one table of scored clips.

    ``average`` is the mean over the types' means (the paper's machine average), None where no type
    has one. ``official_score`` is that of DCASE 2022 and later, None where no ranked machine has
    normals of both domains.
    """

    types: tuple[TypeResult, ...]
    average: Mean | None
    official_score: float | None

    @property
    def machines(self) -> tuple[MachineResult, ...]:
        return tuple(machine for type_ in self.types for machine in type_.machines)

    @property
    def has_domains(self) -> bool:
        """Whether any machine has an AUC for a domain."""
        rankings = [result.ranking for result in self.machines if result.ranking]
        return any((r.auc_source, r.auc_target) != (None, None) for r in rankings)


def evaluate(scored: pl.DataFrame) -> Evaluation:
    """Measure a table of scored clips (columns of ``scored.SCORED``).

    A machine without labelled clips of both classes gets no ranking and enters no mean. Raises
    ``DataError`` for an empty table or one that is not as ``scored`` says.
    """
    check_scored(scored)
    if scored.is_empty():
        raise DataError("there are no scored clips to evaluate; score at least one clip first")
    results = [_machine_result(machine, clips) for machine, clips in by_machine(scored)]
    types = tuple(
        _type_result(name, tuple(machines))
        for name, machines in groupby(results, key=lambda result: result.machine.type)
    )
    return Evaluation(
        types=types,
        average=_mean({type_.name: type_.mean for type_ in types}),
        official_score=_official_score(results),
    )


def _type_result(name: str, machines: tuple[MachineResult, ...]) -> TypeResult:
    mean = _mean({str(result.machine): result.ranking for result in machines})
    return TypeResult(name, machines, mean)


def _machine_result(machine: Machine, clips: pl.DataFrame) -> MachineResult:
    normal, anomaly = scores_of(clips, "normal"), scores_of(clips, "anomaly")
    threshold = clips["threshold"][0]
    return MachineResult(
        machine=machine,
        threshold=threshold,
        n_clips=clips.height,
        alarms=int(clips["anomalous"].sum()),
        confusion=confusion(normal, anomaly, threshold),
        ranking=_ranking(clips) if normal.size and anomaly.size else None,
        reason=_reason(normal.size, anomaly.size),
    )


def _reason(n_normal: int, n_anomaly: int) -> str:
    if n_normal and n_anomaly:
        return ""
    if n_normal:
        return "no labelled anomaly"
    return "no labelled normal" if n_anomaly else "no labelled clip"


def _ranking(clips: pl.DataFrame) -> Ranking:
    normal, anomaly = scores_of(clips, "normal"), scores_of(clips, "anomaly")
    area = auc(normal, anomaly)
    return Ranking(
        auc=area,
        interval=hanley_mcneil(area, normal.size, anomaly.size),
        pauc=pauc(normal, anomaly),
        tied_share=tied_pairs(normal, anomaly) / (normal.size * anomaly.size),
        auc_source=_domain_auc(clips, "source"),
        auc_target=_domain_auc(clips, "target"),
    )


def _domain_auc(clips: pl.DataFrame, domain: str) -> float | None:
    """Compute the AUC of one domain by the rule of DCASE 2022 and later.

    The normals are that domain's, the anomalies those of both domains: the official evaluator
    takes the clips with ``(domain == d) | (label == anomaly)``.
    """
    normal = scores_of(clips.filter(pl.col("domain") == domain), "normal")
    return auc(normal, scores_of(clips, "anomaly")) if normal.size else None


def _official_score(machines: Iterable[MachineResult]) -> float | None:
    """Average AUC source, AUC target and pAUC of the machines with all three, harmonically."""
    figures = [
        figure
        for ranking in (result.ranking for result in machines)
        if ranking and ranking.auc_source is not None and ranking.auc_target is not None
        for figure in (ranking.auc_source, ranking.auc_target, ranking.pauc)
    ]
    return harmonic_mean(figures) if figures else None


def _mean(members: Mapping[str, Ranking | Mean | None]) -> Mean | None:
    counted = [member for member in members.values() if member]
    if not counted:
        return None
    return Mean(
        auc=fmean(member.auc for member in counted),
        pauc=fmean(member.pauc for member in counted),
        counted=len(counted),
        left_out=tuple(member for member, figures in members.items() if not figures),
    )
