"""Fitting a detector: pool, features, training, calibration, provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rattle.baselines import fit_baseline
from rattle.bundle.replay import Replay
from rattle.bundle.schema import (
    AmplitudeInfo,
    BundleInfo,
    Golden,
    HeldOut,
    Provenance,
    ScaleInfo,
)
from rattle.clips.machine import Machine
from rattle.clips.manifest import Clip, Manifest
from rattle.detector import Detector
from rattle.detector.by_hash import by_hash, replay_frames, shuffled
from rattle.detector.calibrate import Calibration, calibrate
from rattle.detector.detector import FULL_SCALE, as_samples
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.allocator import keep_freed_memory
from rattle.learning.data import TrainingData, prepare, split_normals
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.model import Model
from rattle.learning.networks import build_network
from rattle.learning.outliers import OutlierPool, choose_pool
from rattle.learning.pretrained import Loaded, load_pretrained
from rattle.learning.train import Interruption, Step, train
from rattle.recipe import Recipe
from rattle.recipe.parts import Autoencoder
from rattle.version import VERSION

GOLDEN_CLIPS = 2
GOLDEN_SECONDS = 12.0


def _ignore(*_: object) -> None: ...


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """What a fit reports on its way, and where it looks whether to stop."""

    on_clip: Callable[[], None] = _ignore
    on_pool: Callable[[OutlierPool], None] = _ignore
    on_init: Callable[[Loaded], None] = _ignore
    on_known: Callable[[str], None] = _ignore
    on_step: Callable[[Step], None] = _ignore
    stop_requested: Callable[[], bool] = _never


@dataclass(frozen=True)
class Recordings:
    """Where the clips that a detector learns from are read.

    ``outliers`` are those that it was given; None where it takes the other machines of ``clips``.
    """

    clips: Manifest
    outliers: Manifest | None = None


@dataclass(frozen=True)
class FitJob:
    """One detector to fit: every input of ``fit``.

    ``validation`` holds labelled clips of the machine to choose alpha by; ``init`` pre-trained
    encoder weights; ``checkpoint`` where the training's state is kept.
    """

    clips: Manifest
    machine: Machine
    recipe: Recipe
    seed: int = 0
    outliers: Manifest | None = None
    validation: Manifest | None = None
    init: Path | None = None
    device: str = "auto"
    checkpoint: Path | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def given(self) -> Recordings:
        """What a later adaptation will have to find again."""
        return Recordings(self.clips, self.outliers)

    @property
    def steps(self) -> int:
        """How often ``watch.on_step`` will be called."""
        if isinstance(self.recipe.baseline, Autoencoder):
            return self.recipe.baseline.epochs
        return 1 if self.recipe.baseline else self.recipe.training.iterations

    def run(self) -> Detector:
        """``fit``."""
        return fit(self)


def fit(job: FitJob) -> Detector:
    """Train and calibrate a detector.

    Scale and threshold come from held-out normals (and the scale's upper end from outliers);
    alpha from ``job.validation`` where it is given, else from the recipe.
    """
    keep_freed_memory()
    recipe, watch = job.recipe, job.watch
    validation = _labelled(job.validation, job.machine)
    store = FeatureStore(recipe.audio, recipe.features)
    split = split_normals(job.clips, job.machine, recipe, seed=job.seed)
    pool = choose_pool(
        job.clips,
        job.machine,
        job.outliers,
        split.part(split.trained),
        recipe.audio,
    )
    watch.on_pool(pool)
    data = prepare(split, job.machine, pool, recipe, store, seed=job.seed, on_clip=watch.on_clip)

    model = _trained(job, data)
    labelled = [
        (
            store.front_end.log_mel(store.front_end.read(clip.path), data.amplitude),
            clip.label == "anomaly",
        )
        for clip in validation
    ]
    found = calibrate(model, data.held_out, data.source.outliers, labelled)
    info = BundleInfo(
        machine=str(data.machine),
        recipe=recipe,
        amplitude=AmplitudeInfo(mean=data.amplitude.mean, deviation=data.amplitude.deviation),
        alpha=found.alpha,
        alpha_origin=found.alpha_origin,
        scale=ScaleInfo(low=found.scale.low, high=found.scale.high),
        held_out=held_out_info(found),
        golden=(),
        provenance=_provenance(job, data),
    )
    return sealed(Detector(info, model, _golden(data, store), _replay(data, recipe)))


def _trained(job: FitJob, data: TrainingData) -> Model:
    recipe, watch = job.recipe, job.watch
    placement = place(job.device, recipe.training.precision)
    interruption = Interruption(job.checkpoint, data.identity, watch.stop_requested)
    if recipe.baseline is not None:
        return fit_baseline(data, recipe, placement, interruption, watch.on_step)
    torch.manual_seed(job.seed)
    network = build_network(recipe)
    if job.init is not None:
        watch.on_init(load_pretrained(network.encoder, job.init))
    placement.network(network)
    pair = train(network, data.source, recipe, placement, interruption, watch.on_step)
    centroid = None if pair is None else pair.normal
    return TrainedNetwork.placed(recipe, network, centroid, placement)


def _labelled(validation: Manifest | None, machine: Machine) -> list[Clip]:
    """The machine's labelled validation clips, of both classes; none where none are given."""
    if validation is None:
        return []
    clips = [clip for clip in validation.of(machine) if clip.label != "unknown"]
    anomalies = sum(clip.label == "anomaly" for clip in clips)
    if not 0 < anomalies < len(clips):
        raise DataError(
            f"the validation clips of {machine} are {anomalies} anomalies and "
            f"{len(clips) - anomalies} normals; choosing alpha needs both: leave --validation "
            "away to use the recipe's alpha"
        )
    return clips


def held_out_info(found: Calibration) -> tuple[HeldOut, ...]:
    """The held-out normals' parts as a bundle keeps them."""
    return tuple(HeldOut(gap=gap, distance=d) for gap, d in found.held_out.rows())


def sealed(detector: Detector) -> Detector:
    """The detector with its golden clips' scores stated."""
    stated = tuple(
        Golden(score=clip.score, posterior=clip.posterior, distance=clip.distance)
        for clip in detector.score(as_samples(detector.golden))
    )
    return replace(detector, info=detector.info.model_copy(update={"golden": stated}))


def _replay(data: TrainingData, recipe: Recipe) -> Replay:
    seed = data.source.seed
    if recipe.baseline is not None:
        return Replay()
    whole = Replay(
        normals=shuffled(by_hash(data.trained_clips, data.source.normals), seed),
        held_out=shuffled(by_hash(data.held_out_clips, data.held_out), seed),
        outliers={
            str(machine): shuffled(by_hash(data.pool.clips.of(machine), clips), seed)
            for machine, clips in zip(data.pool.clips.machines(), data.source.outliers, strict=True)
        },
    )
    return whole.bounded(recipe.adaptation.replay_clips, replay_frames(recipe))


def _golden(data: TrainingData, store: FeatureStore) -> tuple[NDArray[np.int16], ...]:
    limit = int(GOLDEN_SECONDS * store.audio.sample_rate_hz)
    clips = list(data.held_out_clips)[:GOLDEN_CLIPS]
    found = [store.front_end.read(clip.path)[:limit] for clip in clips]
    return tuple(
        np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        for samples in found
    )


def _provenance(job: FitJob, data: TrainingData) -> Provenance:
    hashes = data.held_out_clips.table["content_hash"].to_list()
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rattle=VERSION,
        torch=torch.__version__,
        seed=job.seed,
        data_hash=data.identity,
        trained=tuple(data.trained_clips.table["content_hash"].to_list()),
        held_out=tuple(hashes),
        validation=()
        if job.validation is None
        else tuple(job.validation.of(data.machine).table["content_hash"].to_list()),
        outliers=data.pool.origin,
        outliers_substitute=data.pool.substitute,
        pretrained=None if job.init is None else hashlib.sha256(job.init.read_bytes()).hexdigest(),
    )
