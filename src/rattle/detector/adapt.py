"""Adapt: prepare what a detector learns on from, a few labelled clips beside those it knows.

It starts from the weights it has; each batch holds an anomaly in an outlier's place, and there are
half as many batches (section IV-C). What it learnt from before comes from the recordings where they
are found, and else from the replay set in its bundle, so that it does not forget the healthy sound.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from rattle.bundle.replay import ByHash, Replay, Rows
from rattle.bundle.schema import BundleInfo, Provenance
from rattle.clips.labelled import labelled_clips
from rattle.clips.layouts import load_manifest
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector.by_hash import alternating, by_hash
from rattle.detector.calibrate import Alpha
from rattle.detector.detector import Detector
from rattle.detector.finish import made_here, make
from rattle.detector.job import Material, NewClips, Recordings, Share, Watch
from rattle.detector.known import KnownClips, recover_known
from rattle.detector.preparing import parents_network, source_of
from rattle.errors import DataError
from rattle.features.store import FeatureStore
from rattle.randomness import HELD_OUT, stream
from rattle.recipe import Recipe
from rattle.version import VERSION


def adapt(
    detector: Detector,
    anomalies: Sequence[str | Path],
    *,
    normals: Sequence[str | Path] = (),
    data: str | Path | Manifest | None = None,
    seed: int | None = None,
    device: str = "auto",
) -> Detector:
    """Train a detector on with a few labelled clips of its machine (section IV-C).

    ``anomalies`` and ``normals`` are recordings or folders of them, labelled by someone who
    listened. ``data`` holds the recordings that the detector was trained on; without it the replay
    set in its bundle stands for them. Raises ``DataError`` where neither is there, ``ClipError``
    where a clip cannot be read.
    """
    recordings = None
    if data is not None:
        clips = data if isinstance(data, Manifest) else load_manifest(Path(data))
        recordings = Recordings(clips)
    (adapted,) = make(
        AdaptJob(
            parent=detector,
            anomalies=labelled_clips(map(Path, anomalies), detector.machine, "anomaly"),
            normals=labelled_clips(map(Path, normals), detector.machine, "normal"),
            recordings=recordings,
            seed=detector.info.provenance.seed if seed is None else seed,
            device=device,
        )
    )
    return adapted


@dataclass(frozen=True)
class AdaptJob:
    """One adaptation; a ``Job``.

    ``anomalies`` and ``normals`` are new labelled clips of the parent's machine; ``recordings``
    hold what the parent was trained on, None where its replay set has to stand for them.
    """

    parent: Detector
    anomalies: Manifest
    normals: Manifest
    recordings: Recordings | None
    seed: int = 0
    device: str = "auto"
    work: ClassVar[Literal["adapt"]] = "adapt"
    told_by: ClassVar[str] = "parent bundle or new clips"

    @property
    def machine(self) -> Machine:
        return self.parent.machine

    @property
    def machines(self) -> tuple[Machine]:
        """See ``Job``: the parent's."""
        return (self.machine,)

    @property
    def recipe(self) -> Recipe:
        return self.parent.recipe

    @cached_property
    def parent_identity(self) -> str:
        return self.parent.bundle().identity

    @property
    def sources(self) -> Recordings | None:
        """See ``Job``; None where only replay was used."""
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
        """See ``Job``."""
        return self.recipe.for_adaptation().training.iterations

    def gives(self, made: BundleInfo) -> bool:
        """See ``Job``: a detector of another parent, or of other clips, is refused."""
        origin, made_of = self.parent.info.provenance, made.provenance
        anomalies, normals = set(self.anomalies.hashes()), set(self.normals.hashes())
        return (
            made_of.parent == self.parent_identity
            and {*made_of.anomalies} == {*origin.anomalies, *anomalies} - normals
            and {*made_of.trained, *made_of.held_out}
            == {*origin.trained, *origin.held_out, *normals} - anomalies
        )

    def material(self, watch: Watch) -> Material:
        """Recover what the parent learnt from, and add the new clips to it.

        The false-alarm rate stays the recipe's, and alpha the parent's; scale and threshold will
        be fitted on normals that neither the parent nor this training learnt from. A clip that was
        taken for normal before and is given as an anomaly now changes sides, and the other way
        round.
        """
        recipe, info = self.recipe, self.parent.info
        _check(self)
        store = FeatureStore.of(recipe)
        known = recover_known(self.parent, self.recordings, store, watch, seed=self.seed)
        clips = _with_new(self, known.clips, store, watch)
        source = source_of(clips, recipe, self.seed)
        provenance = _provenance(self, known, clips)
        return Material(
            source=source,
            recipe=recipe,
            training=recipe.for_adaptation(),
            start=partial(parents_network, self.parent),
            identity=provenance.data_hash,
            shares=[
                Share(
                    machine=self.machine,
                    head=0,
                    group=0,
                    outliers=range(1, 1 + len(source.outliers)),
                    held_out=list(clips.held_out.values()),
                    alpha=Alpha(info.alpha, info.alpha_origin),
                    amplitude=info.amplitude,
                    golden=self.parent.golden,
                    replay=clips,
                    provenance=provenance,
                )
            ],
        )


def _check(job: AdaptJob) -> None:
    if job.recipe.baseline is not None:
        raise DataError(
            f"the bundle is a baseline ({job.recipe.method}), which learns from normal clips "
            "alone; train one by a loss, such as bce+ddcsad, to adapt it"
        )
    if not len(job.anomalies) and not len(job.normals):
        raise DataError(
            "no clip to learn from; give anomalies, normal clips, or both",
            argument=("anomalies", "normals"),
        )
    both = {*job.anomalies.hashes()} & {*job.normals.hashes()}
    for clip in job.anomalies:
        if clip.content_hash in both:
            raise DataError(f"{clip.path} is given as an anomaly and as normal; decide for one")
    origin = job.parent.info.provenance
    known, wrong = {*origin.trained, *origin.held_out}, {*job.anomalies.hashes()}
    left = len((known | {*job.normals.hashes()}) - wrong)
    if known & wrong and left < job.recipe.training.minimum_normals:
        raise DataError(
            f"{len(known & wrong)} of the anomalies given are clips that the bundle was trained on "
            f"as normal, and only {left} normal clips would be left (at least "
            f"{job.recipe.training.minimum_normals} are needed); give faults only as anomalies",
            argument="anomalies",
        )


def _with_new(job: AdaptJob, known: Replay, store: FeatureStore, watch: Watch) -> Replay:
    """Add the new clips to the known ones; the newest label counts."""
    anomalies = _features(job, job.anomalies, store, watch)
    normals = _features(job, job.normals, store, watch)
    # Of the new normals some are held out, so that the threshold hears a new state too. What the
    # parent has learnt from is not new, whatever it was taken for.
    origin = job.parent.info.provenance
    new = [name for name in normals if name not in origin.used]
    count = round(len(new) * job.recipe.training.held_out)
    held_back = {new[i] for i in stream(job.seed, HELD_OUT).permutation(len(new))[:count]}
    held_back |= normals.keys() & set(origin.held_out) - set(origin.trained)

    learnt = alternating(_without(normals, held_back), known.normals)
    held_out = alternating(
        {name: normals[name] for name in normals if name in held_back}, known.held_out
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
            "to fit the threshold on; give more of the machine's healthy sound as normal clips",
            argument="normals",
        )
    watch.on_new_clips(
        NewClips(
            anomalies=len(job.anomalies),
            normals=len(job.normals),
            held_out=len(held_back),
            were_normal=len(anomalies.keys() & {*origin.trained, *origin.held_out}),
            were_anomalies=len(normals.keys() & {*origin.anomalies}),
        )
    )
    return merged


def _features(job: AdaptJob, clips: Manifest, store: FeatureStore, watch: Watch) -> dict[str, Rows]:
    if not len(clips):
        return {}
    return by_hash(clips, store.pack(clips, job.parent.info.amplitude, watch.on_clip))


def _without(clips: ByHash, names: Collection[str]) -> dict[str, Rows]:
    return {name: clip for name, clip in clips.items() if name not in names}


def _identity(job: AdaptJob, known: KnownClips, clips: Replay) -> str:
    parts = {
        "rattle": VERSION,
        "parent": job.parent_identity,
        "seed": job.seed,
        "clips": [list(clips.normals), list(clips.held_out), list(clips.anomalies)],
        "outliers": {machine: list(of) for machine, of in clips.outliers.items()},
        "replayed": sorted(known.replayed),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _provenance(job: AdaptJob, known: KnownClips, clips: Replay) -> Provenance:
    origin = job.parent.info.provenance
    trained = _but([*origin.trained, *clips.normals], clips.anomalies)
    return origin.model_copy(
        update={
            **made_here(),
            "seed": job.seed,
            "data_hash": _identity(job, known, clips),
            "trained": trained,
            "held_out": _but([*origin.held_out, *clips.held_out], {*clips.anomalies, *trained}),
            "anomalies": _but([*clips.anomalies, *origin.anomalies], job.normals.hashes()),
            "outliers": known.outliers,
            "outliers_substitute": known.substitute,
            "parent": job.parent_identity,
            "fleet": (),  # the encoder learns on, and is its own from here
        }
    )


def _but(hashes: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(hash_ for hash_ in dict.fromkeys(hashes) if hash_ not in others)
