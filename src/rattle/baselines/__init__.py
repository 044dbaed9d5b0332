"""Baselines: what the method is compared with, through the same bundles and scores."""

from __future__ import annotations

from collections.abc import Callable

from rattle.learning.data import TrainingData
from rattle.learning.device import Placement
from rattle.learning.model import Arrays, Model
from rattle.learning.train import Interruption, Step
from rattle.recipe import Recipe


def fit_baseline(
    data: TrainingData,
    recipe: Recipe,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
) -> Model:
    """Fit the baseline that ``recipe.baseline`` names on the training normals."""
    raise NotImplementedError


def restore_baseline(recipe: Recipe, arrays: Arrays, placement: Placement) -> Model:
    """The baseline whose ``arrays()`` these are; ``ValueError`` where they do not fit."""
    raise NotImplementedError
