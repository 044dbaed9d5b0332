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
from functools import cached_property
from pathlib import Path

import polars as pl
import torch

from rattle.bundle.replay import ByHash, LogMel, Replay
from rattle.bundle.schema import Provenance, ScaleInfo
from rattle.clips.amplitude import Amplitude
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector import Detector
from rattle.detector.by_hash import alternating, by_hash, replay_frames
from rattle.detector.calibrate import calibrate
from rattle.detector.fit import Recordings, Watch, held_out_info, sealed
from rattle.detector.known import Known, remember
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.learning.allocator import keep_freed_memory
from rattle.learning.batches import BatchSource
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork
from rattle.learning.losses import CentroidPair
from rattle.learning.train import Interruption, train
from rattle.randomness import HELD_OUT, stream
from rattle.recipe import Recipe
from rattle.version import VERSION


@dataclass(frozen=True)
class AdaptJob:
    """One adaptation: every input of ``adapt``.

    ``anomalies`` and ``normals`` are new labelled clips of the parent's machine; ``recordings``
    hold what the parent was trained on, None where its replay set has to stand for them.
    """

    parent: Detector
    anomalies: Manifest
    normals: Manifest
    recordings: Recordings | None
    seed: int = 0
    device: str = "auto"
    checkpoint: Path | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def machine(self) -> Machine:
        return self.parent.machine

    @property
    def recipe(self) -> Recipe:
        return self.parent.recipe

    @cached_property
    def parent_identity(self) -> str:
        return self.parent.bundle().identity

    @property
    def given(self) -> Recordings | None:
        """What a later adaptation will have to find again; None where only replay was used."""
        if self.recordings is None:
            return None
        clips, new = self.recordings.clips, pl.concat([self.anomalies.table, self.normals.table])
        ours = clips.of(self.machine).table
        # Recorded like the machine's other clips: the outlier pool stays what it was.
        new = new.with_columns(source_set=pl.lit(ours["source_set"][0]), split=pl.lit("train"))
        ours = ours.join(new, on="content_hash", how="anti")
        table = pl.concat([clips.without(self.machine).table, ours, new]).sort("path")
        return Recordings(Manifest(table), self.recordings.outliers)

    @property
    def steps(self) -> int:
        """How often ``watch.on_step`` will be called."""
        return self.recipe.for_adaptation().training.iterations

    def run(self) -> Detector:
        """``adapt``."""
        return adapt(self)

    def gives(self, made: Provenance) -> bool:
        """Whether a detector of that provenance is of this parent and these clips."""
        origin = self.parent.info.provenance
        anomalies, normals = set(_hashes(self.anomalies)), set(_hashes(self.normals))
        return (
            made.parent == self.parent_identity
            and {*made.anomalies} == {*origin.anomalies, *anomalies} - normals
            and {*made.trained, *made.held_out}
            == {*origin.trained, *origin.held_out, *normals} - anomalies
        )


def adapt(job: AdaptJob) -> Detector:
    """Train on with the new clips and calibrate anew.

    The false-alarm rate stays the recipe's, and alpha the parent's; scale and threshold are fitted
    on normals that neither the parent nor this training learnt from. A clip that was taken for
    normal before and is given as an anomaly now changes sides, and the other way round.
    """
    keep_freed_memory()
    parent, recipe = job.parent, job.recipe
    _check(job)
    store = FeatureStore(recipe.audio, recipe.features)
    known = remember(parent, job.recordings, store, job.watch, seed=job.seed)
    clips = _with_new(job, known.clips, store)

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
    identity = _identity(job, known, clips)
    pair = train(
        start.network,
        source,
        recipe.for_adaptation(),
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
            "provenance": _provenance(job, known, clips, identity),
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
        raise DataError(
            "no clip to learn from; give anomalies (--anomalies), normal clips (--normal), or both"
        )
    both = set(_hashes(job.anomalies)) & set(_hashes(job.normals))
    for clip in job.anomalies:
        if clip.content_hash in both:
            raise DataError(f"{clip.path} is given as an anomaly and as normal; decide for one")
    origin = job.parent.info.provenance
    known, wrong = {*origin.trained, *origin.held_out}, set(_hashes(job.anomalies))
    left = len((known | set(_hashes(job.normals))) - wrong)
    if known & wrong and left < job.recipe.training.minimum_normals:
        raise DataError(
            f"{len(known & wrong)} of the anomalies given are clips that the bundle was trained on "
            f"as normal, and only {left} normal clips would be left (at least "
            f"{job.recipe.training.minimum_normals} are needed); give faults only with --anomalies"
        )


def _with_new(job: AdaptJob, known: Replay, store: FeatureStore) -> Replay:
    """The known clips and the new ones; the newest label counts."""
    anomalies = _log_mels(job, job.anomalies, store)
    normals = _log_mels(job, job.normals, store)
    # Of the new normals some are held out, so that the threshold hears a new state too. What the
    # parent has learnt from is not new, whatever it was taken for.
    origin = job.parent.info.provenance
    new = [name for name in normals if name not in origin.used]
    count = round(len(new) * job.recipe.training.held_out)
    kept = {new[i] for i in stream(job.seed, HELD_OUT).permutation(len(new))[:count]}
    kept |= normals.keys() & set(origin.held_out) - set(origin.trained)

    learnt = alternating(_without(normals, kept), known.normals)
    held_out = alternating(
        {name: normals[name] for name in normals if name in kept}, known.held_out
    )
    merged = Replay(
        normals=_without(learnt, anomalies),
        held_out=_without(held_out, {*anomalies, *learnt}),
        anomalies=alternating(anomalies, _without(known.anomalies, normals)),
        outliers=known.outliers,
    )
    if not merged.normals or not merged.held_out:
        raise DataError(
            f"{len(merged.normals)} normal clips are left to train on and {len(merged.held_out)} "
            "to fit the threshold on; give more of the machine's healthy sound as normal clips"
        )
    _tell(job, origin, kept)
    return merged


def _tell(job: AdaptJob, origin: Provenance, kept: Collection[str]) -> None:
    job.watch.on_known(
        f"new clips: {len(job.anomalies)} anomalies, {len(job.normals)} normal"
        + (f" ({len(kept)} of them held out)" if kept else "")
    )
    was_normal = len({*_hashes(job.anomalies)} & {*origin.trained, *origin.held_out})
    if was_normal:
        job.watch.on_known(f"{was_normal} clips were taken for normal before and are anomalies now")
    was_anomaly = len({*_hashes(job.normals)} & {*origin.anomalies})
    if was_anomaly:
        job.watch.on_known(f"{was_anomaly} clips were anomalies before and are normal now")


def _log_mels(job: AdaptJob, clips: Manifest, store: FeatureStore) -> dict[str, LogMel]:
    amplitude = job.parent.info.amplitude
    statistics = Amplitude(amplitude.mean, amplitude.deviation)
    return by_hash(clips, store.pack(clips, statistics, job.watch.on_clip)) if len(clips) else {}


def _without(clips: ByHash, names: Collection[str]) -> dict[str, LogMel]:
    return {name: clip for name, clip in clips.items() if name not in names}


def _hashes(clips: Manifest) -> list[str]:
    return clips.table["content_hash"].to_list()


def _identity(job: AdaptJob, known: Known, clips: Replay) -> str:
    parts = {
        "rattle": VERSION,
        "parent": job.parent_identity,
        "seed": job.seed,
        "clips": [list(clips.normals), list(clips.held_out), list(clips.anomalies)],
        "outliers": {machine: list(of) for machine, of in clips.outliers.items()},
        "replayed": sorted(known.replayed),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _provenance(job: AdaptJob, known: Known, clips: Replay, identity: str) -> Provenance:
    origin = job.parent.info.provenance
    trained = _but([*origin.trained, *clips.normals], clips.anomalies)
    return origin.model_copy(
        update={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "rattle": VERSION,
            "torch": torch.__version__,
            "seed": job.seed,
            "data_hash": identity,
            "trained": trained,
            "held_out": _but([*origin.held_out, *clips.held_out], {*clips.anomalies, *trained}),
            "anomalies": _but([*clips.anomalies, *origin.anomalies], _hashes(job.normals)),
            "outliers": known.outliers,
            "outliers_substitute": known.substitute,
            "parent": job.parent_identity,
        }
    )


def _but(hashes: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(hash_ for hash_ in dict.fromkeys(hashes) if hash_ not in others)
