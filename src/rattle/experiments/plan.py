"""Plan which tasks an experiment needs, and tell which machines cannot take part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rattle.clips.cut_manifest import cut_to_train
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.experiments.figure2 import LEAST_ANOMALIES
from rattle.experiments.task import Task
from rattle.recipe import Recipe
from rattle.recipe.parts import MethodName
from rattle.runs.folder import refuse_twins
from rattle.runs.outcome import Way


@dataclass(frozen=True)
class Plan:
    """The tasks of an experiment, and in sentences what is left out of it."""

    tasks: tuple[Task, ...]
    notes: tuple[str, ...]

    @property
    def machines(self) -> list[Machine]:
        return sorted({task.machine for task in self.tasks})


def plan_training(
    clips: Manifest,
    recipe: Recipe,
    *,
    machines: Sequence[Machine] | None,
    methods: Sequence[MethodName],
    seeds: Sequence[int],
) -> Plan:
    """Plan a model for every method, machine and seed (Tables I and II)."""
    chosen, notes = _machines(clips, recipe, machines, drawn=0)
    tasks = [
        Task(seed, 0, method, machine, trainer=_trainer(recipe, method, chosen))
        for seed in seeds
        for method in methods
        for machine in chosen
    ]
    return Plan(tuple(tasks), tuple(notes))


def plan_adaptation(
    clips: Manifest,
    recipe: Recipe,
    *,
    machines: Sequence[Machine] | None,
    methods: Sequence[MethodName],
    seeds: Sequence[int],
    counts: Sequence[int],
) -> Plan:
    """Plan models without anomalies, and each adapted with each number of them (Fig. 2).

    Each is adapted by its encoder and by its head; a head without a posterior has nothing to learn
    from anomalies, and a note says so. As many anomalies are set apart for each machine and seed
    as the largest number.
    """
    drawn = max(counts)
    chosen, notes = _machines(clips, recipe, machines, drawn=drawn)
    tasks = [
        Task(seed, count, method, machine, drawn, _trainer(recipe, method, chosen), way)
        for seed in seeds
        for count in counts
        for method in methods
        for machine in chosen
        for way in _ways(recipe, method)
    ]
    alone = [method for method in methods if "head" not in _ways(recipe, method)]
    if alone:
        notes.append(
            f"{' and '.join(alone)}: by the encoder alone; without a posterior a head has nothing "
            "to learn from anomalies"
        )
    return Plan(tuple(tasks), tuple(notes))


def _ways(recipe: Recipe, method: MethodName) -> tuple[Way, ...]:
    """Say what of the method's models can learn from anomalies."""
    return ("encoder", "head") if recipe.for_method(method).has_posterior else ("encoder",)


def _trainer(recipe: Recipe, method: MethodName, machines: Sequence[Machine]) -> Machine | None:
    """Say whose task trains for all machines; None where each has an encoder of its own."""
    return machines[0] if recipe.for_method(method).is_shared else None


def _machines(
    clips: Manifest, recipe: Recipe, wanted: Sequence[Machine] | None, *, drawn: int
) -> tuple[list[Machine], list[str]]:
    clips = cut_to_train(clips, recipe)
    reasons = {machine: _unfit(clips, recipe, machine, drawn) for machine in clips.machines()}
    for machine in wanted or ():
        clips.require(machine)
    chosen = {m: reason for m, reason in reasons.items() if wanted is None or m in wanted}
    notes = [f"{machine} is left out: {reason}" for machine, reason in chosen.items() if reason]
    fit = [machine for machine, reason in chosen.items() if not reason]
    if not fit:
        raise DataError("no machine can take part:\n" + "\n".join(f"  {note}" for note in notes))
    refuse_twins(fit)
    return fit, notes


def _unfit(clips: Manifest, recipe: Recipe, machine: Machine, drawn: int) -> str:
    """Say why a machine cannot take part; empty where it can."""
    least = recipe.training.minimum_normals
    normals = len(clips.of(machine, split="train", label="normal"))
    if normals < least:
        return f"{normals} normal training clips, at least {least} are needed"
    counts: Mapping[str, int] = {
        label: len(clips.of(machine, split="test", label=label)) for label in ("normal", "anomaly")
    }
    if not all(counts.values()):
        return "its labelled test clips are not of both classes"
    left = counts["anomaly"] - drawn
    if drawn and left < LEAST_ANOMALIES:
        return (
            f"{counts['anomaly']} anomalies; when {drawn} are moved to training {max(left, 0)} "
            f"are left for testing, at least {LEAST_ANOMALIES} are needed; with a smaller largest "
            "number of anomalies to adapt with, fewer are moved"
        )
    return ""
