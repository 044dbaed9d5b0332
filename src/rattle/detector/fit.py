"""Fit: prepare what a new detector of one machine learns from, out of its recordings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import torch

from rattle.bundle.file import GoldenClips
from rattle.bundle.replay import LogMel, Replay
from rattle.bundle.schema import BundleInfo, Provenance
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.machine import Machine
from rattle.clips.manifest import Clip, Manifest
from rattle.clips.pcm16 import to_16_bit
from rattle.detector.by_hash import by_hash, shuffled
from rattle.detector.calibrate import Alpha
from rattle.detector.detector import Detector
from rattle.detector.finish import made_here, make
from rattle.detector.job import Material, Recordings, Start, Watch
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.data import TrainingData, prepare, split_normals
from rattle.learning.device import Placement
from rattle.learning.networks import build_network
from rattle.learning.outliers import choose_pool
from rattle.learning.pretrained import file_hash, load_pretrained
from rattle.recipe import Recipe
from rattle.recipe.parts import Autoencoder

GOLDEN_CLIPS = 2
GOLDEN_SECONDS = 12.0


def fit(
    data: str | Path | Manifest,
    machine: str | Machine,
    *,
    recipe: str | Path | Recipe = "small",
    seed: int = 0,
    outliers: str | Path | Manifest | None = None,
    device: str = "auto",
) -> Detector:
    """Train a detector for one machine.

    ``data`` is a folder or CSV of recordings, or a manifest: it holds the machine's normal clips
    and, as a rule, other machines', which serve as outliers; ``outliers`` names others. Raises
    ``DataError`` where there are too few normal clips and ``ClipError`` where one of them cannot
    be read.
    """
    return make(
        FitJob(
            clips=data if isinstance(data, Manifest) else load_manifest(Path(data)),
            machine=machine if isinstance(machine, Machine) else Machine.parse(machine),
            recipe=recipe if isinstance(recipe, Recipe) else Recipe.load(recipe),
            seed=seed,
            outliers=outliers
            if outliers is None or isinstance(outliers, Manifest)
            else load_outliers(Path(outliers)),
            device=device,
        )
    )


@dataclass(frozen=True)
class FitJob:
    """One detector to train; a ``Job``.

    ``validation`` holds labelled clips of the machine to choose alpha by, ``init`` pre-trained
    weights to start the encoder from.
    """

    clips: Manifest
    machine: Machine
    recipe: Recipe
    seed: int = 0
    outliers: Manifest | None = None
    validation: Manifest | None = None
    init: Path | None = None
    device: str = "auto"
    work: ClassVar[Literal["train"]] = "train"
    told_by: ClassVar[str] = "recipe, method or seed"

    @property
    def sources(self) -> Recordings:
        """See ``Job``."""
        return Recordings(self.clips, self.outliers)

    @property
    def steps(self) -> int:
        """See ``Job``: iterations of a network, epochs of the autoencoder, else one."""
        if isinstance(self.recipe.baseline, Autoencoder):
            return self.recipe.baseline.epochs
        return 1 if self.recipe.baseline else self.recipe.training.iterations

    def gives(self, made: BundleInfo) -> bool:
        """See ``Job``: a run that is finished stays as it is, whatever data it is asked for."""
        origin = made.provenance
        return (made.recipe, origin.seed, origin.parent) == (self.recipe, self.seed, None)

    def material(self, watch: Watch) -> Material:
        """Split the machine's normals, choose outliers, compute the features of both."""
        recipe = self.recipe
        validation = _labelled(self.validation, self.machine)
        store = FeatureStore(recipe.audio, recipe.features)
        split = split_normals(self.clips, self.machine, recipe, seed=self.seed)
        trained = split.part(split.trained)
        pool = choose_pool(self.clips, self.machine, self.outliers, trained, recipe.audio)
        watch.on_pool(pool)
        data = prepare(
            split, self.machine, pool, recipe, store, seed=self.seed, on_clip=watch.on_clip
        )
        return Material(
            source=data.source,
            training=recipe,
            start=None if recipe.baseline else partial(_new_network, self, watch),
            held_out=data.held_out,
            alpha=Alpha(recipe.scoring.alpha, "the recipe's default"),
            amplitude=data.amplitude,
            golden=_golden(data, store),
            replay=Replay() if recipe.baseline else _replay(data),
            provenance=_provenance(self, data),
            labelled=[
                (_log_mel(clip, data, store), clip.label == "anomaly") for clip in validation
            ],
        )


def _new_network(job: FitJob, watch: Watch, placement: Placement) -> Start:
    torch.manual_seed(job.seed)
    network = build_network(job.recipe)
    if job.init is not None:
        watch.on_init(load_pretrained(network.encoder, job.init))
    placement.network(network)
    return network, None


def _labelled(validation: Manifest | None, machine: Machine) -> list[Clip]:
    """Take the machine's labelled validation clips, of both classes; none of no manifest."""
    if validation is None:
        return []
    clips = [clip for clip in validation.of(machine) if clip.label != "unknown"]
    anomalies = sum(clip.label == "anomaly" for clip in clips)
    if not 0 < anomalies < len(clips):
        raise DataError(
            f"the validation clips of {machine} are {anomalies} anomalies and "
            f"{len(clips) - anomalies} normals; choosing alpha needs both: give others, or none "
            "to use the recipe's alpha",
            argument="validation",
        )
    return clips


def _log_mel(clip: Clip, data: TrainingData, store: FeatureStore) -> LogMel:
    return store.front_end.log_mel(store.front_end.read(clip.path), data.amplitude)


def _replay(data: TrainingData) -> Replay:
    seed = data.source.seed
    return Replay(
        normals=shuffled(by_hash(data.trained_clips, data.source.normals), seed),
        held_out=shuffled(by_hash(data.held_out_clips, data.held_out), seed),
        outliers={
            str(machine): shuffled(by_hash(data.pool.clips.of(machine), clips), seed)
            for machine, clips in zip(data.pool.clips.machines(), data.source.outliers, strict=True)
        },
    )


def _golden(data: TrainingData, store: FeatureStore) -> GoldenClips:
    limit = int(GOLDEN_SECONDS * store.audio.sample_rate_hz)
    clips = list(data.held_out_clips)[:GOLDEN_CLIPS]
    return tuple(to_16_bit(store.front_end.read(clip.path)[:limit]) for clip in clips)


def _provenance(job: FitJob, data: TrainingData) -> Provenance:
    return Provenance(
        **made_here(),
        seed=job.seed,
        data_hash=data.identity,
        trained=tuple(data.trained_clips.hashes()),
        held_out=tuple(data.held_out_clips.hashes()),
        validation=()
        if job.validation is None
        else tuple(job.validation.of(data.machine).hashes()),
        outliers=data.pool.origin,
        outliers_substitute=data.pool.substitute,
        pretrained=None if job.init is None else file_hash(job.init),
    )
