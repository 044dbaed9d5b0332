"""The recipe: one TOML file that holds every number of a run.

``Recipe.load("small")`` and ``Recipe.load("paper")`` are packaged; a path loads the user's own.
A file that says ``base = "small"`` states only what differs from that recipe. Where the paper is
silent the number is an option here, its default is documented, and
``docs/explanation/numerics.md`` says what was measured.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rattle.errors import RecipeError

PACKAGED = ("small", "paper")

LossName = Literal["bce", "dsad", "ddcsad", "bce+dsad", "bce+ddcsad"]
BaselineName = Literal["autoencoder", "gmm", "ocsvm", "knn", "mahalanobis"]
# Table II compares methods: the losses of the paper's network, and baselines.
MethodName = LossName | BaselineName
LOSSES: tuple[LossName, ...] = get_args(LossName)
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Audio(Part):
    """What reaches the front end."""

    sample_rate_hz: int = Field(16000, ge=1000, le=192000, description="Clips are resampled to it.")
    channel: Annotated[int, Field(ge=0)] | Literal["mean"] = Field(
        0, description="The channel that is heard: an index, or the mean of all."
    )
    amplitude: Literal["own", "target"] = Field(
        "own",
        description="Whose mean and deviation normalise an outlier clip: its own machine's (the "
        "paper's wording) or the target machine's (loudness becomes a cue).",
    )


class Features(Part):
    """The log-mel front end (section IV-A) and the window the network sees."""

    fft_samples: int = Field(
        1024, ge=64, multiple_of=2, description="Analysis window and transform length."
    )
    hop_samples: int = Field(512, ge=1, description="Step from one frame to the next.")
    mel_bands: int = Field(128, ge=16, description="Mel bands from 0 Hz to half the sample rate.")
    spectrum: Literal["power", "magnitude"] = Field(
        "power", description="What the mel bands sum: squared magnitude or magnitude."
    )
    floor: Positive = Field(
        1e-10, description="Smallest band value before the logarithm, at unit signal variance."
    )
    window_frames: int = Field(256, ge=32, description="Frames the network sees at a time.")

    @property
    def window_samples(self) -> int:
        """Samples that one window of frames spans."""
        return (self.window_frames - 1) * self.hop_samples


class ResNet38Network(Part):
    """ResNet38 of PANNs, globally average pooled to 2,048 numbers."""

    name: Literal["resnet38"]


class SmallNetwork(Part):
    """A residual network of the same family for a CPU."""

    name: Literal["small"]
    channels: int = Field(
        16, ge=4, description="Channels of stem and first stage; doubled by each further one."
    )
    blocks: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (2, 2, 2, 2), min_length=1, max_length=5, description="Residual blocks of each stage."
    )
    stem_kernel: int = Field(7, ge=1, le=15, description="Side of the first convolution's kernel.")
    stem_stride: int = Field(4, ge=1, le=4, description="Its step in time and in frequency.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Dropped between the two convolutions of a block."
    )


class Loss(Part):
    """Equations 1 to 4."""

    name: LossName = Field("bce+ddcsad", description="Which loss trains the detector.")
    metric_weight: Annotated[float, Field(ge=0)] = Field(
        1.0, description="lambda of equation 4: weight of the metric loss beside BCE."
    )
    target_weight: Positive = Field(
        2.0, description="eta of equations 2 and 3: weight of the target machine's own clips."
    )
    distance: Literal["mean", "sum"] = Field(
        "mean", description="||z - c||^2 as the mean or the sum over the embedding's dimensions."
    )
    epsilon: Positive = Field(
        1.0, description="Added to a squared distance before its power; bounds the inverse."
    )


class Centroids(Part):
    """When and on what c_p and c_n are recomputed (section III), and DSAD's fixed c."""

    epoch_iterations: int = Field(
        0, ge=0, description="Iterations between two computations; 0: one pass over the normals."
    )
    clips_per_class: int = Field(
        128, ge=0, description="Clips of each class that a computation reads; 0: all of them."
    )
    crop: Literal["random", "centre"] = Field(
        "random", description="Which window of a clip the computation reads."
    )
    mode: Literal["evaluation", "training"] = Field(
        "evaluation",
        description="Batch norm by its running statistics (evaluation) or the batch's (training).",
    )
    dsad_start: Literal["random", "autoencoder"] = Field(
        "random",
        description="DSAD's fixed centroid: a random point and random weights (section IV-A), or "
        "an encoder pre-trained as autoencoder and its mean embedding (section II-B).",
    )
    autoencoder_iterations: int = Field(200, ge=1, description="Iterations of that pre-training.")


class Training(Part):
    """Batches, optimiser and schedule (section IV-A)."""

    iterations: int = Field(ge=1, description="Batches in all.")
    normals_per_batch: int = Field(32, ge=2, description="Windows of the target machine a batch.")
    outliers_per_batch: int = Field(32, ge=2, description="Windows of other machines a batch.")
    encoder_learning_rate: Positive = Field(description="Adam's rate of the convolutional layers.")
    head_learning_rate: Positive = Field(description="Adam's rate of the fully connected layer.")
    decay_every: int = Field(ge=1, description="Iterations between two decays of both rates.")
    decay_factor: Fraction = Field(0.5, description="Factor of each decay.")
    held_out: Annotated[float, Field(ge=0.05, le=0.5)] = Field(
        0.2, description="Share of the normals kept from training to fit scale and threshold."
    )
    minimum_normals: int = Field(10, ge=4, description="Fewer normal clips than this are refused.")
    checkpoint_seconds: Annotated[float, Field(ge=0)] = Field(
        20.0, description="Seconds between two checkpoints."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of the convolutions; auto: bfloat16 where the hardware computes in it."
    )


class Adaptation(Part):
    """Training on with a few anomalies (section IV-C)."""

    iterations: int = Field(
        0, ge=0, description="Batches in all; 0: half as many as the training had."
    )
    anomalies_per_batch: int = Field(
        1, ge=1, description="Windows of anomalies a batch; they take the place of outliers."
    )
    learning_rate: Literal["restart", "continue"] = Field(
        "restart",
        description="Both rates start as in training (restart) or where training left them "
        "(continue); either way they decay again.",
    )
    replay_clips: int = Field(
        64,
        ge=0,
        description="Log-mels of each kind (normals, held-out normals, outliers, anomalies) kept "
        "in the bundle, so that it can be adapted without the recordings; 0: none.",
    )


class Autoencoder(Part):
    """The official baseline of DCASE 2020 Task 2: dense layers rebuild stacked frames.

    Here one is trained for each machine id, there for each machine type.
    """

    name: Literal["autoencoder"]
    frames: int = Field(5, ge=1, description="Consecutive frames stacked into one input.")
    hidden: int = Field(128, ge=1, description="Units of the four layers on either side.")
    bottleneck: int = Field(8, ge=1, description="Units of the layer between.")
    epochs: int = Field(100, ge=1, description="Passes over all inputs.")
    batch: int = Field(512, ge=2, description="Inputs a batch.")
    learning_rate: Positive = Field(1e-3, description="Adam's rate.")


class GaussianMixture(Part):
    """A Gaussian mixture of frames' MFCCs: the paper's reference 3."""

    name: Literal["gmm"]
    coefficients: int = Field(
        20, ge=2, description="MFCCs a frame, the mean level among them; at most the mel bands."
    )
    components: int = Field(8, ge=1, description="Gaussians of diagonal covariance.")


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


class Scoring(Part):
    """From windows to a score and a decision (equation 5)."""

    windows: int = Field(10, ge=1, description="Windows spread over a clip; their scores averaged.")
    aggregate: Literal["mean", "upper-half"] = Field(
        "mean", description="Windows averaged: all (the paper) or the upper half (later work)."
    )
    long_clip_seconds: Positive = Field(
        30.0, description="A longer recording gets a window each timeline_seconds instead."
    )
    timeline_seconds: Positive = Field(
        1.0, description="Step of the sliding window over a long recording."
    )
    alpha: Fraction = Field(
        0.5, description="Weight of the posterior in equation 5, for losses that have both parts."
    )
    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Share of normal clips that the threshold may call anomalous."
    )


class Recipe(Part):
    """Every number of a run."""

    name: str = Field(min_length=1, description="What the recipe is called.")
    description: str = Field("", description="What to expect of it, how long it takes.")
    audio: Audio = Audio()
    features: Features = Features()
    network: Annotated[ResNet38Network | SmallNetwork, Field(discriminator="name")]
    loss: Loss = Loss()
    centroids: Centroids = Centroids()
    training: Training
    adaptation: Adaptation = Adaptation()
    scoring: Scoring = Scoring()
    baseline: Annotated[AnyBaseline, Field(discriminator="name")] | None = Field(
        None,
        description="A baseline in place of the network. It learns from the normals alone; "
        "network, loss, centroids and adaptation are then without effect.",
    )

    @property
    def method(self) -> MethodName:
        """What a table calls it: the baseline, or the loss that trains the network."""
        return self.loss.name if self.baseline is None else self.baseline.name

    @property
    def has_posterior(self) -> bool:
        """Whether a score has a part 1 - p."""
        return self.baseline is None and self.loss.name.startswith("bce")

    @property
    def has_distance(self) -> bool:
        """Whether a score has a part d."""
        return self.baseline is not None or self.loss.name != "bce"

    @model_validator(mode="after")
    def _stages_fit_the_window(self) -> Recipe:
        if isinstance(self.network, SmallNetwork):
            shrink = self.network.stem_stride * 2 ** (len(self.network.blocks) - 1)
        else:
            shrink = 32
        smallest = min(self.features.window_frames, self.features.mel_bands)
        if shrink > smallest:
            raise ValueError(
                f"the network shrinks time and frequency {shrink}-fold, but the window is only "
                f"{self.features.window_frames} frames by {self.features.mel_bands} bands"
            )
        return self

    @model_validator(mode="after")
    def _anomalies_leave_room_for_outliers(self) -> Recipe:
        if self.adaptation.anomalies_per_batch > self.training.outliers_per_batch - 1:
            raise ValueError(
                f"adaptation.anomalies_per_batch is {self.adaptation.anomalies_per_batch}, but "
                f"they take the place of {self.training.outliers_per_batch} outliers a batch, of "
                "which one has to stay"
            )
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> Recipe:
        """The packaged recipe of that name, or the one in that TOML file."""
        text, where = _read(name_or_path)
        return cls.from_toml(text, where=where)

    @classmethod
    def from_toml(cls, text: str, *, where: str = "recipe") -> Recipe:
        """The recipe in ``text``; ``RecipeError`` names each key that is wrong."""
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{where} is not valid TOML: {error}") from None
        base = values.pop("base", None)
        if base is not None:
            if base not in PACKAGED:
                raise RecipeError(f"{where}: base is {base!r}; it can be {' or '.join(PACKAGED)}")
            values = _merged(tomllib.loads(_read(base)[0]), values)
        return _validated(values, where)

    def with_values(self, **parts: dict[str, Any]) -> Recipe:
        """A copy with some values changed: ``with_values(training={"iterations": 20})``."""
        return _validated(_merged(self.model_dump(), parts), f"recipe {self.name}")

    def for_method(self, method: MethodName) -> Recipe:
        """A copy for another loss, or for a baseline with its default numbers."""
        values = self.model_dump(exclude={"baseline"})
        kind = "baseline" if method in BASELINES else "loss"
        return _validated(_merged(values, {kind: {"name": method}}), f"recipe {self.name}")

    def for_adaptation(self) -> Recipe:
        """The numbers of training on with anomalies, in the place of training's (section IV-C)."""
        training, adaptation = self.training, self.adaptation
        rate = 1.0
        if adaptation.learning_rate == "continue":
            rate = training.decay_factor ** (training.iterations // training.decay_every)
        changed = training.model_copy(
            update={
                "iterations": adaptation.iterations or max(training.iterations // 2, 1),
                "outliers_per_batch": training.outliers_per_batch - adaptation.anomalies_per_batch,
                "encoder_learning_rate": training.encoder_learning_rate * rate,
                "head_learning_rate": training.head_learning_rate * rate,
            }
        )
        return self.model_copy(update={"training": changed})

    def to_toml(self) -> str:
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _read(name_or_path: str | Path) -> tuple[str, str]:
    if str(name_or_path) in PACKAGED:
        file = resources.files("rattle") / "recipes" / f"{name_or_path}.toml"
        return file.read_text(encoding="utf-8"), f"recipe {name_or_path}"
    path = Path(name_or_path)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        known = " and ".join(PACKAGED)
        raise RecipeError(
            f"cannot read recipe {path}: {error}; give a TOML file or one of {known}"
        ) from None


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        # Another network is another set of keys: nothing of the old one carries over.
        new_network = key == "network" and both_tables and "name" in value
        if both_tables and not (new_network and value["name"] != merged[key].get("name")):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def _validated(values: dict[str, Any], where: str) -> Recipe:
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(step) for step in found['loc']) or 'recipe'}: {found['msg']}"
            for found in error.errors()
        ]
        raise RecipeError("\n".join([f"{where} is not valid:", *lines])) from None
