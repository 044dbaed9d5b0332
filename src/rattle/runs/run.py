"""A run, as it is read from its folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.clips.machine import Machine
from rattle.recipe.parts import MethodName
from rattle.runs.folder import RunFolder
from rattle.runs.outcome import Outcome, Way


@dataclass(frozen=True)
class LearningCurve:
    """The loss over a training: iterations from 1, ascending, and each one's loss, ``[n]`` both."""

    iterations: NDArray[np.int64]
    losses: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """One model with what is known of it; ``name`` is what people are told of its folder.

    ``finished`` says whether there is a model; ``anomalies`` is how many that has learnt from, by
    its encoder or by its head alone (``way``); None where the run folder does not tell.
    ``outcome`` is None where its test clips have not been scored; it is in the folder ``scored``,
    or would be. ``learning_curve`` is None where the model took no steps.
    """

    name: str
    folder: RunFolder
    method: MethodName
    machine: Machine
    seed: int
    anomalies: int
    recipe: str
    finished: bool
    scored: RunFolder
    way: Way | None = "encoder"
    learning_curve: LearningCurve | None = None
    outcome: Outcome | None = None
