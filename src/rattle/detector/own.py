"""Prepare what a new detector with an encoder of its own learns from, as in the paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from rattle.bundle.replay import Replay
from rattle.bundle.schema import BundleInfo, Provenance
from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.cutting import cuts_in
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector.calibrate import Alpha
from rattle.detector.finish import made_here
from rattle.detector.job import Material, Recordings, Share, Watch
from rattle.detector.preparing import (
    DEFAULT_ALPHA,
    golden,
    labelled_clips_of,
    labelled_features,
    names_of,
    new_network,
    recorder_of,
    replay_of,
    sounds_of,
)
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.learning.data import TrainingData, prepare, split_normals
from rattle.learning.outliers import choose_pool
from rattle.learning.pretrained import file_hash
from rattle.recipe import Recipe
from rattle.recipe.baselines import Autoencoder


@dataclass(frozen=True)
class OwnJob:
    """One machine's detector to train, or a baseline to fit; a ``Job``.

    ``validation`` holds labelled clips of the machine to choose alpha by, ``init`` pre-trained
    weights to start the encoder from. ``share`` of the normals is held out (``split_normals``).
    """

    clips: Manifest
    machine: Machine
    recipe: Recipe
    seed: int = 0
    outliers: Manifest | None = None
    validation: Manifest | None = None
    init: Path | None = None
    device: str = "auto"
    share: int = 0
    work: ClassVar[Literal["train"]] = "train"
    told_by: ClassVar[str] = "recipe, method or seed"

    @property
    def machines(self) -> tuple[Machine]:
        """See ``Job``: the one."""
        return (self.machine,)

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

    @property
    def siblings(self) -> list[OwnJob]:
        """See ``Job``; a sibling has none itself."""
        shares = () if self.share else self.recipe.training.siblings
        return [replace(self, share=share, validation=None) for share in shares]

    def gives(self, made: BundleInfo) -> bool:
        """See ``Job``: a run that is finished stays as it is, whatever data it is asked for."""
        origin = made.provenance
        return (made.recipe, origin.seed, origin.parent) == (self.recipe, self.seed, None)

    def material(self, watch: Watch) -> Material:
        """Split the machine's normals, choose outliers, compute the features of both."""
        recipe = self.recipe
        self.clips.require(self.machine)
        store = FeatureStore.of(recipe)
        sieve, others = Sieve(store), Sieve(store, "outliers")
        clips, outliers = cut_to_train(self.clips, recipe), self.outliers
        own = clips.of(self.machine)
        if outliers is None:
            watch.on_cut(cuts_in(clips))
            clips = sieve.fit_to_train(clips, asked=self.machines)
        else:
            outliers = cut_outliers(outliers, recipe)
            watch.on_cut(cuts_in([*own, *outliers]))
            clips = sieve.fit_to_train(clips, self.machine)
            outliers = others.fit_outliers(outliers, own)
        validation = labelled_clips_of(self.validation, self.machine, sieve)
        watch.told_of(sieve, others)
        with sieve.explaining(), others.explaining():
            split = split_normals(clips, self.machine, recipe, seed=self.seed, share=self.share)
            trained = split.part(split.trained)
            pool = choose_pool(clips, self.machine, outliers, trained, recipe.audio)
        watch.on_pool(pool)
        data = prepare(
            split, self.machine, pool, recipe, store, seed=self.seed, on_clip=watch.on_clip
        )
        return Material(
            source=data.source,
            recipe=recipe,
            training=recipe,
            start=None
            if recipe.baseline
            else partial(new_network, recipe, 1, self.seed, self.init, watch),
            identity=data.identity,
            shares=[
                Share(
                    machine=self.machine,
                    head=0,
                    group=0,
                    outliers=range(1, 1 + len(data.source.outliers)),
                    held_out=data.held_out,
                    alpha=Alpha(recipe.scoring.alpha, DEFAULT_ALPHA),
                    amplitude=data.amplitude,
                    golden=golden(data.held_out_clips, store),
                    replay=Replay() if recipe.baseline else _replay(data, recipe),
                    provenance=_provenance(self, data),
                    trained=names_of(data.trained_clips),
                    kept=names_of(data.held_out_clips),
                    healthy=partial(sounds_of, split.normals, store),
                    recorder=recorder_of(split.normals, store),
                    labelled=labelled_features(validation, data.amplitude, store),
                )
            ],
        )


def _replay(data: TrainingData, recipe: Recipe) -> Replay:
    machines = data.pool.clips.machines()
    return replay_of(
        (data.trained_clips, data.source.normals),
        (data.held_out_clips, data.held_out),
        {
            str(machine): (data.pool.clips.of(machine), clips)
            for machine, clips in zip(machines, data.source.outliers, strict=True)
        },
        seed=data.source.seed,
        clips=recipe.adaptation.replay_clips,
    )


def _provenance(job: OwnJob, data: TrainingData) -> Provenance:
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
