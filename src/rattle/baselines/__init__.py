"""Fit what the method is compared with: baselines, through the same bundles and scores.

Each learns from the training normals alone. ``fit`` of a method's module learns, ``restore``
rebuilds from what a bundle holds; both give a ``Measure``, which ``baseline`` makes a model of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rattle.baselines import gaussian_mixture, mahalanobis, nearest, one_class_svm, reconstruction
from rattle.baselines.baseline import Baseline, Measure
from rattle.learning.batches import ClipFeatures
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement
from rattle.learning.model import Learnt, Model
from rattle.learning.train import Step
from rattle.recipe import Recipe
from rattle.recipe import baselines as recipes

__all__ = ["fit_baseline", "restore_baseline"]


def fit_baseline(
    normals: ClipFeatures,
    recipe: Recipe,
    seed: int,
    placement: Placement,
    interruption: Interruption,
    on_step: Callable[[Step], None],
) -> Model:
    """Fit the baseline that ``recipe.baseline`` names to the training ``normals``.

    The autoencoder's steps are its epochs. Every other method has a single step, at its end, whose
    loss is the mean distance of the training normals. The same data, seed and recipe give the same
    baseline. Raises ``DataError`` where the clips are too few for the recipe's numbers and, from
    the autoencoder, ``Interrupted`` and ``TrainingError``.
    """
    measure: Measure
    match recipe.baseline:
        case recipes.Autoencoder() as settings:
            return Baseline(
                recipe,
                reconstruction.fit(
                    normals,
                    settings,
                    placement,
                    interruption,
                    on_step,
                    seed=seed,
                    checkpoint_seconds=recipe.training.checkpoint_seconds,
                ),
            )
        case recipes.GaussianMixture() as settings:
            measure = gaussian_mixture.fit(normals, settings, seed=seed)
        case recipes.OneClassSvm() as settings:
            measure = one_class_svm.fit(normals, settings)
        case recipes.NearestNeighbours() as settings:
            measure = nearest.fit(normals, settings)
        case recipes.Mahalanobis():
            measure = mahalanobis.fit(normals)
        case None:
            raise ValueError("the recipe names no baseline")
    loss = float(np.mean([measure.distance(clip) for clip in normals]))
    on_step(Step(iteration=1, loss=loss, bce=None, metric=None))
    return Baseline(recipe, measure)


def restore_baseline(recipe: Recipe, learnt: Learnt, placement: Placement) -> Model:
    """Rebuild the baseline whose ``learnt()`` this is; ``ValueError`` where it does not fit."""
    arrays = learnt["baseline"]
    bands = recipe.features.mel_bands
    measure: Measure
    match recipe.baseline:
        case recipes.Autoencoder() as settings:
            measure = reconstruction.restore(arrays, settings, placement, bands=bands)
        case recipes.GaussianMixture() as settings:
            measure = gaussian_mixture.restore(arrays, settings)
        case recipes.OneClassSvm() as settings:
            measure = one_class_svm.restore(arrays, settings)
        case recipes.NearestNeighbours() as settings:
            measure = nearest.restore(arrays, settings, bands=bands)
        case recipes.Mahalanobis():
            measure = mahalanobis.restore(arrays, bands=bands)
        case None:
            raise ValueError("the recipe names no baseline")
    return Baseline(recipe, measure)
