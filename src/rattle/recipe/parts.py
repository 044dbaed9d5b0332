"""Define the parts of a recipe, from audio to scoring; ``recipe.py`` puts them together.

Numbers that memory grows with have an upper bound, far above any use: a recipe comes with a bundle
too, from wherever that comes.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

LossName = Literal["bce", "dsad", "ddcsad", "bce+dsad", "bce+ddcsad"]
BaselineName = Literal["autoencoder", "gmm", "ocsvm", "knn", "mahalanobis"]
# Table II compares methods: the losses of the paper's network, and baselines.
MethodName = LossName | BaselineName
LOSSES: tuple[LossName, ...] = get_args(LossName)
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Part(BaseModel):
    """Values that are read from a file: no key is unknown, no number infinite, none changes."""

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
        1024, ge=64, le=65536, multiple_of=2, description="Analysis window and transform length."
    )
    hop_samples: int = Field(512, ge=1, le=65536, description="Step from one frame to the next.")
    mel_bands: int = Field(
        128, ge=16, le=512, description="Mel bands from 0 Hz to half the sample rate."
    )
    spectrum: Literal["power", "magnitude"] = Field(
        "power", description="What the mel bands sum: squared magnitude or magnitude."
    )
    floor: Positive = Field(
        1e-10, description="Smallest band value before the logarithm, at unit signal variance."
    )
    window_frames: int = Field(
        256,
        ge=32,
        le=4096,
        description="Frames the network sees at a time; one that sees spectra is given fewer where "
        "clips are shorter.",
    )

    @property
    def window_samples(self) -> int:
        """Samples from the first frame of a window to its last."""
        return (self.window_frames - 1) * self.hop_samples


class ResNet38Network(Part):
    """ResNet38 of PANNs, globally average pooled to 2,048 numbers."""

    name: Literal["resnet38"]


class SmallNetwork(Part):
    """A residual network of the same family for a CPU."""

    name: Literal["small"]
    channels: int = Field(
        16,
        ge=4,
        le=256,
        description="Channels of stem and first stage; doubled by each further one.",
    )
    blocks: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (2, 2, 2, 2), min_length=1, max_length=5, description="Residual blocks of each stage."
    )
    stem_kernel: int = Field(7, ge=1, le=15, description="Side of the first convolution's kernel.")
    stem_stride: int = Field(4, ge=1, le=4, description="Its step in time and in frequency.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Dropped between the two convolutions of a block."
    )


class SpectralNetwork(Part):
    """Two branches: convolutions over the spectrum of the whole window, and a small residual
    network on its log-mels. Their embeddings are joined."""

    name: Literal["spectral"]
    channels: int = Field(
        128, ge=4, le=1024, description="Channels of the convolutions over frequency."
    )
    dimensions: int = Field(
        128, ge=4, le=1024, description="Numbers that each branch gives to the embedding."
    )
    log_mel_channels: int = Field(
        16,
        ge=4,
        le=256,
        description="Channels of the log-mel branch's first stage; doubled by each further one.",
    )
    branch_weight: Annotated[float, Field(ge=0)] = Field(
        0.5,
        description="Weight of the loss of each branch by itself beside that of both, so that "
        "neither leaves the work to the other.",
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

    encoder: Literal["own", "shared"] = Field(
        "own",
        description="An encoder for each machine (the paper), or one for all machines of the data, "
        "trained at once, with a head for each.",
    )
    iterations: int = Field(ge=1, description="Batches in all.")
    clips: int = Field(
        0,
        ge=0,
        description="Of a shared encoder: training clips that the iterations are meant for. With "
        "more of them there are more iterations, by the root of the ratio; 0: never.",
    )
    mixup: bool = Field(
        False,
        description="Of a shared encoder: mix windows of a batch in pairs, and their labels alike. "
        "Each equation is then the sum of its terms for either class, weighed by how much of it is "
        "in the window. Adaptation does not mix.",
    )
    normals_per_batch: int = Field(
        32,
        ge=2,
        le=4096,
        description="Windows of the target machine a batch; with a shared encoder this and the "
        "next are added up, and drawn of all machines.",
    )
    outliers_per_batch: int = Field(
        32, ge=2, le=4096, description="Windows of other machines a batch."
    )
    encoder_learning_rate: Positive = Field(description="Adam's rate of the convolutional layers.")
    head_learning_rate: Positive = Field(description="Adam's rate of the fully connected layer.")
    schedule: Literal["steps", "cycle"] = Field(
        "steps",
        description="How both rates go: down in steps, or up and down in one cycle whose top they "
        "are.",
    )
    decay_every: int = Field(
        1000, ge=1, description="Iterations between two decays of both rates, of steps."
    )
    decay_factor: Fraction = Field(0.5, description="Factor of each decay.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Weight decay, apart from the gradient's moments (AdamW)."
    )
    held_out: Annotated[float, Field(ge=0.05, le=0.5)] = Field(
        0.2, description="Share of the normals kept from training to fit scale and threshold."
    )
    cross_fit: bool = Field(
        False,
        description="Train as often as shares fit into all normals, each time with another one "
        "held out, so that the threshold is fitted to all of them. The first training's model is "
        "the detector.",
    )
    minimum_normals: int = Field(10, ge=4, description="Fewer normal clips than this are refused.")
    checkpoint_seconds: Annotated[float, Field(ge=0)] = Field(
        20.0, description="Seconds between two checkpoints."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Of the convolutions; auto: bfloat16 where the hardware computes in it."
    )
    deterministic: bool = Field(
        True,
        description="On CUDA: the same seed gives the same weights; false may be faster.",
    )

    @property
    def shares(self) -> int:
        """How many shares of ``held_out`` all normals are split into."""
        return round(1 / self.held_out)

    @property
    def siblings(self) -> range:
        """The shares that further trainings hold out: all but the first, or none."""
        return range(1, self.shares if self.cross_fit else 1)


class Adaptation(Part):
    """Training on with a few anomalies (section IV-C)."""

    iterations: int = Field(
        0, ge=0, description="Batches in all; 0: half as many as the training had."
    )
    anomalies_per_batch: int = Field(
        1, ge=1, description="Windows of anomalies a batch; they take the place of outliers."
    )
    learning_rate: Literal["restart", "anneal", "continue"] = Field(
        "restart",
        description="Both rates start as in training and decay each training.decay_every "
        "iterations (restart) or as many times as in training (anneal), or they start where "
        "training left them (continue).",
    )
    replay_clips: int = Field(
        64,
        ge=0,
        description="Clips of each kind (normals, held-out normals, outliers, anomalies) kept "
        "in the bundle, at most 200 MiB of each, so that it can be adapted without the "
        "recordings; 0: none.",
    )


class Scoring(Part):
    """From windows to a score and a decision (equation 5)."""

    view: Literal["windows", "whole"] = Field(
        "windows",
        description="How a clip is seen: in so many windows (the paper), which overlap, or once "
        "and whole, for a fraction of the work; by its spectrum up to one and a half windows.",
    )
    windows: int = Field(
        10,
        ge=1,
        le=1000,
        description="Windows spread over a clip, more where it takes more to cover it; their "
        "scores averaged. Not for a clip that is seen whole.",
    )
    long_clip_seconds: Seconds = Field(
        30.0, description="A longer recording gets a window each timeline_seconds instead."
    )
    timeline_seconds: Seconds = Field(
        1.0, description="Step of the sliding window over a long recording."
    )
    alpha: Fraction = Field(
        0.5, description="Weight of the posterior in equation 5, for losses that have both parts."
    )
    distance: Literal["centroid", "nearest"] = Field(
        "centroid",
        description="What d of DDCSAD is measured from: c_p (the paper), or the nearest of the "
        "training normals' embeddings. DSAD's is measured from c.",
    )
    false_alarm_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Share of normal clips that the threshold may call anomalous."
    )
