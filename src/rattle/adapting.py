"""Adaptation: a detector that learns on from a few labelled clips (section IV-C).

It starts from the weights it has; each batch holds an anomaly in an outlier's place, and there are
half as many batches. What it learnt from before comes from the recordings where they are found, and
else from the replay set in its bundle, so that it does not forget the healthy sound.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import torch

import rattle
from rattle.bundle.schema import Provenance, ScaleInfo
from rattle.calibration import calibrate
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.errors import DataError
from rattle.features.amplitude import Amplitude
from rattle.features.store import FeatureStore
from rattle.fitting import Recordings, Watch, held_out_info, sealed
from rattle.learning.allocator import keep_freed_memory
from rattle.learning.batches import HELD_OUT, BatchSource, generator
from rattle.learning.data import outlier_packs
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.losses import CentroidPair
from rattle.learning.outliers import choose_pool
from rattle.learning.replay import ByHash, LogMel, Replay, by_hash, replay_frames
from rattle.learning.train import Interruption, train
from rattle.recipe import Recipe


@dataclass(frozen=True)
class AdaptJob:
    """One adaptation: every input of ``adapt``.

    ``anomalies`` and ``normals`` are new labelled clips of the parent's machine.
    """

    parent: Detector
    anomalies: Manifest
    normals: Manifest
    recordings: Recordings | None
    seed: int = 0
    device: str = "auto"
    store_folder: Path | None = None
    checkpoint: Path | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def machine(self) -> Machine:
        return self.parent.machine

    @property
    def recipe(self) -> Recipe:
        return self.parent.recipe

    @property
    def given(self) -> Recordings | None:
        """What a later adaptation will have to find again; None where only replay was used."""
        if self.recordings is None:
            return None
        known = self.recordings.clips.table.filter(
            ~pl.col("content_hash").is_in(_hashes(self.anomalies) + _hashes(self.normals))
            | (pl.col("machine_type") != self.machine.type)
            | (pl.col("machine_id") != self.machine.id)
        )
        # Recorded like the machine's other clips: the outlier pool stays what it was.
        alike = pl.lit(self.recordings.clips.of(self.machine).table["source_set"][0])
        new = pl.concat([self.anomalies.table, self.normals.table])
        table = pl.concat([known, new.with_columns(source_set=alike)]).sort("path")
        return Recordings(Manifest(table), self.recordings.outliers)

    @property
    def steps(self) -> int:
        """How often ``watch.on_step`` will be called."""
        return self.recipe.for_adaptation().training.iterations

    def run(self) -> Detector:
        """``adapt``."""
        return adapt(self)


def adapt(job: AdaptJob) -> Detector:
    """Train on with the new clips and calibrate anew.

    The false-alarm rate stays the recipe's, and alpha the parent's; scale and threshold are fitted
    on normals that neither the parent nor this training learnt from. A clip that was taken for
    normal before and is given as an anomaly now changes sides, and the other way round.
    """
    keep_freed_memory()
    parent, recipe = job.parent, job.recipe
    _check(job)
    store = FeatureStore(recipe.audio, recipe.features, job.store_folder)
    clips = _with_new(job, _known(job, store), store)

    settings = recipe.for_adaptation()
    anomalies_per_batch = recipe.adaptation.anomalies_per_batch if clips.anomalies else 0
    source = BatchSource(
        normals=list(clips.normals.values()),
        outliers=[list(of.values()) for of in clips.outliers.values()],
        anomalies=list(clips.anomalies.values()),
        normals_per_batch=recipe.training.normals_per_batch,
        outliers_per_batch=recipe.training.outliers_per_batch - anomalies_per_batch,
        anomalies_per_batch=anomalies_per_batch,
        window_frames=recipe.features.window_frames,
        seed=job.seed,
    )
    placement = place(job.device, recipe.training.precision)
    start = TrainedNetwork.restored(recipe, parent.model.arrays(), placement)
    identity = _identity(job, clips)
    pair = train(
        start.network,
        source,
        settings,
        placement,
        Interruption(job.checkpoint, identity, job.watch.stop_requested),
        job.watch.on_step,
        fixed=None if start.centroid is None else CentroidPair(start.centroid, None),
    )
    centroid = None if pair is None else pair.normal
    model = TrainedNetwork.placed(recipe, start.network, centroid, placement)

    found = calibrate(model, list(clips.held_out.values()), source.outliers)
    info = parent.info.model_copy(
        update={
            "scale": ScaleInfo(low=found.scale.low, high=found.scale.high),
            "held_out": held_out_info(found),
            "provenance": _provenance(job, clips, identity),
        }
    )
    kept = clips.bounded(recipe.adaptation.replay_clips, replay_frames(recipe))
    return sealed(Detector(info, model, parent.golden, kept))


def _check(job: AdaptJob) -> None:
    if job.recipe.baseline is not None:
        raise DataError(
            f"the bundle is a baseline ({job.recipe.method}), which learns from normal clips "
            "alone; train one by a loss (rattle train --method bce+ddcsad) to adapt it"
        )
    if not len(job.anomalies) and not len(job.normals):
        raise DataError("no clip to learn from; give anomalies, normal clips, or both")
    both = set(_hashes(job.anomalies)) & set(_hashes(job.normals))
    for clip in job.anomalies:
        if clip.content_hash in both:
            raise DataError(f"{clip.path} is given as an anomaly and as normal; decide for one")


def _known(job: AdaptJob, store: FeatureStore) -> Replay:
    """All that the parent learnt from and that can be had, replayed clips first."""
    replay = job.parent.replay
    if job.recordings is None:
        if replay.is_empty:
            raise DataError(
                "the recordings that the bundle was trained on are not found and it holds no "
                "replay set; say with --data where they are, or train again"
            )
        job.watch.on_known(
            f"the bundle's replay set: {len(replay.normals)} normals, {len(replay.held_out)} held "
            f"out, {sum(map(len, replay.outliers.values()))} outliers"
        )
        return replay
    found = _found_again(job, job.recordings, store)
    return Replay(
        normals={**replay.normals, **found.normals},
        held_out={**replay.held_out, **found.held_out},
        anomalies={**replay.anomalies, **found.anomalies},
        outliers=found.outliers,
    )


def _found_again(job: AdaptJob, recordings: Recordings, store: FeatureStore) -> Replay:
    info, on_clip = job.parent.info, job.watch.on_clip
    origin, statistics = info.provenance, Amplitude(info.amplitude.mean, info.amplitude.deviation)
    ours = recordings.clips.of(job.machine).table.unique("content_hash").sort("path")

    def log_mels(hashes: tuple[str, ...]) -> dict[str, LogMel]:
        some = Manifest(ours.filter(pl.col("content_hash").is_in(hashes)))
        return by_hash(some, store.pack(some, statistics, on_clip)) if len(some) else {}

    # Together, as they were packed for training: the store may still have them.
    normals = log_mels((*origin.trained, *origin.held_out))
    trained = {hash_: normals[hash_] for hash_ in origin.trained if hash_ in normals}
    held_out = {hash_: normals[hash_] for hash_ in origin.held_out if hash_ in normals}
    if not trained or not held_out:
        raise DataError(
            f"of the {len(origin.trained)} clips of {job.machine} that the bundle was trained on "
            f"the recordings given hold {len(trained)}, and of the {len(origin.held_out)} held out "
            f"{len(held_out)}; say with --data where they are, or leave it away to use the "
            "bundle's replay set"
        )
    job.watch.on_known(
        f"{len(trained)} of {len(origin.trained)} training clips and {len(held_out)} of "
        f"{len(origin.held_out)} held out, found again"
    )
    seen = Manifest(ours.filter(pl.col("content_hash").is_in(list(trained))))
    pool = choose_pool(
        recordings.clips,
        job.machine,
        recordings.outliers,
        seen,
        job.recipe.audio,
        store.folder,
    )
    if pool.substitute and not origin.outliers_substitute and job.parent.replay.outliers:
        outliers = job.parent.replay.outliers
    else:
        job.watch.on_pool(pool)
        packs = outlier_packs(pool, job.recipe, store, statistics, on_clip)
        outliers = {str(m): by_hash(pool.clips.of(m), pack) for m, pack in packs.items()}
    return Replay(trained, held_out, log_mels(origin.anomalies), outliers)


def _with_new(job: AdaptJob, known: Replay, store: FeatureStore) -> Replay:
    """The known clips and the new ones, which come first; the newest label counts."""
    anomalies = _log_mels(job, job.anomalies, store)
    normals = _log_mels(job, job.normals, store)
    # Of the new normals some are held out, so that the threshold hears a new state too.
    new = [name for name in normals if name not in job.parent.info.provenance.trained]
    count = round(len(new) * job.recipe.training.held_out)
    kept = {new[i] for i in generator(job.seed, HELD_OUT).permutation(len(new))[:count]}
    merged = Replay(
        normals=_without({**_without(normals, kept), **known.normals}, anomalies),
        held_out={
            **{name: normals[name] for name in new if name in kept},
            **_without(known.held_out, {*anomalies, *normals}),
        },
        anomalies={**anomalies, **_without(known.anomalies, normals)},
        outliers=known.outliers,
    )
    if not merged.normals or not merged.held_out:
        raise DataError(
            "no normal clip is left to train on or to fit the threshold on; give more of the "
            "machine's healthy sound as normal clips"
        )
    return merged


def _log_mels(job: AdaptJob, clips: Manifest, store: FeatureStore) -> dict[str, LogMel]:
    amplitude = job.parent.info.amplitude
    statistics = Amplitude(amplitude.mean, amplitude.deviation)
    found = {}
    for clip in clips:
        samples = store.front_end.read(clip.path)
        found[clip.content_hash] = store.front_end.log_mel(samples, statistics)
        job.watch.on_clip()
    return found


def _without(clips: ByHash, names: Collection[str]) -> dict[str, LogMel]:
    return {name: clip for name, clip in clips.items() if name not in names}


def _hashes(clips: Manifest) -> list[str]:
    return clips.table["content_hash"].to_list()


def _identity(job: AdaptJob, clips: Replay) -> str:
    parts = {
        "rattle": rattle.__version__,
        "parent": job.parent.bundle().identity,
        "seed": job.seed,
        "clips": [list(clips.normals), list(clips.held_out), list(clips.anomalies)],
        "outliers": {machine: list(of) for machine, of in clips.outliers.items()},
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _provenance(job: AdaptJob, clips: Replay, identity: str) -> Provenance:
    origin = job.parent.info.provenance
    anomalies = dict.fromkeys([*clips.anomalies, *origin.anomalies])
    normals, held_out = (
        set(_hashes(job.normals)),
        dict.fromkeys([*origin.held_out, *clips.held_out]),
    )
    return origin.model_copy(
        update={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "rattle": rattle.__version__,
            "torch": torch.__version__,
            "seed": job.seed,
            "data_hash": identity,
            "trained": _but(dict.fromkeys([*origin.trained, *clips.normals]), clips.anomalies),
            "held_out": _but(held_out, {*clips.anomalies, *clips.normals}),
            "anomalies": _but(anomalies, normals),
            "parent": job.parent.bundle().identity,
        }
    )


def _but(hashes: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(hash_ for hash_ in hashes if hash_ not in others)
