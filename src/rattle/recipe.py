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
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rattle.errors import RecipeError

PACKAGED = ("small", "paper")

LossName = Literal["bce", "dsad", "ddcsad", "bce+dsad", "bce+ddcsad"]
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
    scoring: Scoring = Scoring()

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

    def to_toml(self) -> str:
        return tomli_w.dumps(self.model_dump(mode="json"))


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
