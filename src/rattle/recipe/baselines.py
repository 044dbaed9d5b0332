"""Define the baselines' parts of a recipe, each with its numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rattle.recipe.parts import Part, Positive


class Autoencoder(Part):
    """The official baseline of DCASE 2020 Task 2: dense layers rebuild stacked frames.

    Here one is trained for each machine id, there for each machine type.
    """

    name: Literal["autoencoder"]
    frames: int = Field(5, ge=1, le=64, description="Consecutive frames stacked into one input.")
    hidden: int = Field(128, ge=1, le=4096, description="Units of the four layers on either side.")
    bottleneck: int = Field(8, ge=1, le=4096, description="Units of the layer between.")
    epochs: int = Field(100, ge=1, description="Passes over all inputs.")
    batch: int = Field(512, ge=2, le=65536, description="Inputs a batch.")
    learning_rate: Positive = Field(1e-3, description="Adam's rate.")


class GaussianMixture(Part):
    """A Gaussian mixture of frames' MFCCs: the paper's reference 3."""

    name: Literal["gmm"]
    coefficients: int = Field(
        20, ge=2, description="MFCCs a frame, the mean level among them; at most the mel bands."
    )
    components: int = Field(8, ge=1, le=1024, description="Gaussians of diagonal covariance.")


class OneClassSvm(Part):
    """A one-class SVM on a clip's MFCC statistics: the paper's references 4 and 5.

    They are mean and deviation over time of the MFCCs and of their deltas.
    """

    name: Literal["ocsvm"]
    coefficients: int = Field(
        20, ge=2, description="MFCCs a frame, the mean level among them; at most the mel bands."
    )
    nu: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="Bound of the share of training clips left outside."
    )


class NearestNeighbours(Part):
    """Distance to the nearest normal clips in the mean and deviation over time of each mel band."""

    name: Literal["knn"]
    neighbours: int = Field(1, ge=1, description="Neighbours whose mean distance is the score.")


class Mahalanobis(Part):
    """Mahalanobis distance from the mean normal clip in the same statistics as knn."""

    name: Literal["mahalanobis"]


AnyBaseline = Autoencoder | GaussianMixture | OneClassSvm | NearestNeighbours | Mahalanobis
