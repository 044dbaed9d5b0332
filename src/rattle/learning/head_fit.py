"""Fit a head to embeddings of an encoder that stays as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

# Inverse strength of the weights' penalty, on embeddings of unit deviation: chosen on the synthetic
# factory (docs/explanation/hearing.md).
STRENGTH = 1.0

Embeddings = NDArray[np.float32]


def fit_head(
    normals: Embeddings, outliers: Embeddings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit w ``[D]`` and b ``[1]`` of p = sigmoid(w z + b) to embeddings ``[n, D]`` of two classes.

    Equation 1 with both classes weighing alike, and a penalty on w: there are fewer clips than
    numbers in w. It has one solution, and no seed.
    """
    z = np.concatenate([normals, outliers]).astype(np.float64)
    is_normal = np.arange(len(z)) < len(normals)
    mean, deviation = z.mean(axis=0), z.std(axis=0)
    deviation[deviation == 0] = 1.0
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    model.fit((z - mean) / deviation, is_normal)
    weight = model.coef_[0] / deviation
    bias = model.intercept_ - weight @ mean
    return weight.astype(np.float32), bias.astype(np.float32)
