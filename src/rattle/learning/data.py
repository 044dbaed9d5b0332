"""Prepare what a training reads: packs of normals and outliers, and the normals held out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rattle.clips.amplitude import Amplitude
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.features.store import FeatureStore, Pack
from rattle.learning.batches import BatchSource, Clips
from rattle.learning.outliers import OutlierPool
from rattle.learning.shares import shares_of
from rattle.recipe import Recipe
from rattle.version import VERSION


@dataclass(frozen=True)
class TrainingData:
    """Everything that training and fitting a detector of one machine reads.

    ``held_out`` are normals that no batch holds. ``identity`` is a hash of recipe, seed and clips:
    two trainings of the same identity are the same training.
    """

    machine: Machine
    amplitude: Amplitude
    source: BatchSource
    held_out: Clips
    held_out_clips: Manifest
    trained_clips: Manifest
    pool: OutlierPool
    identity: str


@dataclass(frozen=True)
class Split:
    """A machine's training normals; ``trained`` and ``held_out`` are rows of them, sorted."""

    normals: Manifest
    trained: NDArray[np.int64]
    held_out: NDArray[np.int64]

    def part(self, rows: NDArray[np.int64]) -> Manifest:
        return Manifest(self.normals.table[rows])


def split_normals(
    clips: Manifest, machine: Machine, recipe: Recipe, *, seed: int, share: int = 0
) -> Split:
    """Choose which training normals are trained on and which are held out.

    All are split into shares, of which the first has two clips or more; ``share`` says which is
    held out. Excerpts of one recording that follow each other sound alike, so that a share is a
    stretch of its time (``learning.shares``). ``clips`` are to hold no sound twice
    (``features.sieve``). Raises ``DataError`` where there are fewer than
    ``training.minimum_normals``.
    """
    normals = training_normals(clips, machine, recipe)
    held_out = shares_of(normals, recipe, seed)[share]
    rows = np.arange(len(normals), dtype=np.int64)
    return Split(normals, np.setdiff1d(rows, held_out), np.sort(held_out))


def prepare(
    split: Split,
    machine: Machine,
    pool: OutlierPool,
    recipe: Recipe,
    store: FeatureStore,
    *,
    seed: int,
    on_clip: Callable[[], None] = lambda: None,
) -> TrainingData:
    """Compute statistics and features of one machine's normals and of its outlier pool."""
    statistics = store.amplitude(split.normals)
    pack = store.pack(split.normals, statistics, on_clip)

    outliers = outlier_packs(pool, recipe, store, statistics, on_clip)
    source = BatchSource(
        normals=Clips(pack, split.trained),
        outliers=list(outliers.values()),
        normals_per_batch=recipe.training.normals_per_batch,
        outliers_per_batch=recipe.training.outliers_per_batch,
        window_frames=recipe.features.window_frames,
        bands=recipe.features.mel_bands,
        seed=seed,
    )
    return TrainingData(
        machine=machine,
        amplitude=statistics,
        source=source,
        held_out=Clips(pack, split.held_out),
        held_out_clips=split.part(split.held_out),
        trained_clips=split.part(split.trained),
        pool=pool,
        identity=_identity(recipe, seed, split.normals, pool.clips),
    )


def outlier_packs(
    pool: OutlierPool,
    recipe: Recipe,
    store: FeatureStore,
    target: Amplitude,
    on_clip: Callable[[], None] = lambda: None,
) -> dict[Machine, Pack]:
    """Compute each outlier machine's features, by its own statistics or the target machine's."""
    packs = {}
    for machine in pool.clips.machines():
        clips = pool.clips.of(machine)
        own = recipe.audio.amplitude == "own"
        packs[machine] = store.pack(clips, store.amplitude(clips) if own else target, on_clip)
    return packs


def able(clips: Manifest, recipe: Recipe) -> list[Machine]:
    """List the machines that have normal training clips enough for a detector."""
    least = recipe.training.minimum_normals
    return [m for m in clips.machines() if len(clips.of(m, split="train", label="normal")) >= least]


def training_normals(clips: Manifest, machine: Machine, recipe: Recipe) -> Manifest:
    """Select the machine's training normals, or refuse and say how many are needed."""
    normals = clips.of(machine, split="train", label="normal")
    least = recipe.training.minimum_normals
    if len(normals) < least:
        raise DataError(
            f"machine {machine} has {len(normals)} normal training clips; at least {least} are "
            "needed (training.minimum_normals of the recipe), and some hundred make a good "
            "detector: record more of its healthy sound"
        )
    return normals


def _identity(recipe: Recipe, seed: int, normals: Manifest, outliers: Manifest) -> str:
    contents = [part.hashes() for part in (normals, outliers)]
    text = json.dumps([VERSION, recipe.to_toml(), seed, contents])
    return hashlib.sha256(text.encode()).hexdigest()
