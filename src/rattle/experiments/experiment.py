"""Define an experiment: tasks to run, and a result made of what they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.experiments.plan import Plan
from rattle.experiments.sheets import Result
from rattle.grid.run import with_parents
from rattle.recipe import Recipe
from rattle.recipe.parts import LossName, MethodName
from rattle.runs.outcome import Outcome
from rattle.runtime.clip_scorer import ScaleName


@dataclass(frozen=True)
class Selection:
    """What an experiment is over: losses, seeds, and machines; None are all that can take part."""

    losses: tuple[LossName, ...]
    seeds: tuple[int, ...]
    machines: tuple[Machine, ...] | None = None


class Experiment(Protocol):
    """A table or figure of the paper, on given machines and methods."""

    @property
    def name(self) -> str:
        """What the paper calls it, and its files are called."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings of the files it writes."""

    @property
    def methods(self) -> tuple[MethodName, ...]:
        """The methods that it compares."""

    def plan(self, clips: Manifest, recipe: Recipe) -> Plan:
        """List its tasks. Raises ``DataError`` where it cannot be made of these clips."""

    def conclude(
        self,
        folder: Path,
        outcomes: Sequence[Outcome],
        clips: Manifest,
        notes: Sequence[str],
        scale: ScaleName,
    ) -> Result:
        """Make the result of the outcomes and write its files to ``folder``.

        ``notes`` are remarks that the result is to carry. Raises ``DataError`` where nothing of it
        is complete.
        """


def outcomes_of(plan: Plan, folder: Path) -> list[Outcome]:
    """Read the outcomes of the plan's tasks, and of those they start from, that are done."""
    done = [task for task in sorted(with_parents(plan.tasks)) if task.is_done(folder)]
    return [Outcome.read(task.run_folder(folder).outcome) for task in done]
