"""Adapt: prepare what a detector learns on from, a few labelled clips beside those it knows.

It starts from the weights it has; each batch holds an anomaly in an outlier's place, and there are
half as many batches (section IV-C). What it learnt from before comes from the recordings where they
are found, and else from the replay set in its bundle, so that it does not forget the healthy sound.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from rattle.bundle.given import given_clips
from rattle.bundle.known import Named
from rattle.bundle.labels import check_labels, kept_from_training, relabelled, silenced_by
from rattle.bundle.replay import ByHash, Replay, Rows, alternating
from rattle.bundle.schema import BundleInfo, HeldOut, Provenance
from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.cutting import cut_as_known, cuts_in
from rattle.clips.layouts import load_manifest
from rattle.clips.machine import Machine
from rattle.clips.manifest import ORDER, Manifest
from rattle.clips.several import check_list
from rattle.detector.by_hash import by_hash
from rattle.detector.calibrate import Alpha
from rattle.detector.detector import Detector
from rattle.detector.finish import made_here, make
from rattle.detector.job import Crossed, Material, NewClips, Recordings, Share, Start, Watch
from rattle.detector.known import KnownClips, recover_known
from rattle.detector.preparing import (
    fleet_source_of,
    fleets_network,
    names_of,
    parents_network,
    sounds_of,
    source_of,
)
from rattle.errors import DataError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.learning.batches import Source
from rattle.learning.device import Placement
from rattle.recipe import Recipe
from rattle.runtime.adapt_head import adapt_head
from rattle.runtime.carry import crossed_without
from rattle.runtime.refit import averaged, held_out_still
from rattle.scoring.head import Head
from rattle.scoring.head_fit import part_of_the_way
from rattle.version import VERSION


def adapt(
    detector: Detector,
    anomalies: Sequence[str | Path],
    *,
    normals: Sequence[str | Path] = (),
    data: str | Path | Manifest | None = None,
    head: bool = False,
    seed: int | None = None,
    device: str = "auto",
) -> Detector:
    """Train a detector on with a few labelled clips of its machine (section IV-C).

    With ``head`` the encoder stays as it is, and head, scale and threshold are fitted anew to the
    embeddings that the detector keeps: in a second, and without ``data``.

    ``anomalies`` and ``normals`` are recordings or folders of them, labelled by someone who
    listened. ``data`` holds the recordings that the detector was trained on; without it the replay
    set in its bundle stands for them. Raises ``DataError`` where neither is there, ``ClipError``
    where a clip cannot be read.
    """
    check_list(anomalies, "anomalies", "worn.wav")
    check_list(normals, "normals", "healthy.wav")
    given = partial(given_clips, detector.info, outliers=detector.replay.outliers)
    wrong, right = given(anomalies, "anomaly"), given(normals, "normal")
    if head:
        learnt = adapt_head(detector.bundle(), detector, wrong, right, seed=seed)
        return Detector.of(learnt.bundle, device=device)
    recordings = None
    if data is not None:
        clips = data if isinstance(data, Manifest) else load_manifest(Path(data))
        recordings = Recordings(clips.called_as(detector.info.provenance.used))
    (adapted,) = make(
        AdaptJob(
            parent=detector,
            anomalies=Manifest.from_clips(wrong),
            normals=Manifest.from_clips(right),
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
    ``healthy`` is further sound of that machine and of others that nobody has labelled and that is
    taken for healthy: it joins what is learnt from, and no threshold is kept above it.
    """

    parent: Detector
    anomalies: Manifest
    normals: Manifest
    recordings: Recordings | None
    seed: int = 0
    device: str = "auto"
    healthy: Manifest = field(default_factory=lambda: Manifest.from_clips([]))
    work: ClassVar[Literal["adapt"]] = "adapt"
    siblings: ClassVar[tuple[()]] = ()
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
        # An excerpt's recording is listed already, and is cut as the bundle knows it.
        new = new.filter(pl.col("start_frame").is_null())
        # Recorded like the machine's other clips: the outlier pool stays what it was.
        new = new.with_columns(source_set=pl.lit(ours["source_set"][0]), split=pl.lit("train"))
        ours = ours.join(new, on="content_hash", how="anti")
        table = pl.concat([clips.without(self.machine).table, ours, new]).sort(ORDER)
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
            and made_of.data_hash != origin.data_hash  # as one is whose head alone learnt
            and normals <= {*made_of.silenced} <= {*origin.silenced, *normals} - anomalies
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
        check_labels(info, _by_hash(self.anomalies), _by_hash(self.normals))
        store = FeatureStore.of(recipe)
        recordings = self._fit_recordings(store, watch)
        known = recover_known(self.parent, recordings, store, watch, seed=self.seed)
        clips = _with_new(self, known.clips, store, watch)
        names, (source, start) = _names(self), _to_learn_on(self, clips)
        normals, anomalies = self.normals.hashes(), self.anomalies.hashes()
        silenced = silenced_by(info.provenance, normals, anomalies)
        at_hand = {**clips.normals, **clips.held_out}
        provenance = _provenance(self, known, clips)
        return Material(
            source=source,
            recipe=recipe,
            training=recipe.for_adaptation(),
            start=start,
            identity=provenance.data_hash,
            # As a head does: a few clips are not to undo what many taught.
            part=part_of_the_way(len(clips.anomalies) + len(silenced)) if recipe.is_shared else 1.0,
            shares=[
                Share(
                    machine=self.machine,
                    head=0,
                    group=0,
                    outliers=range(1, 1 + len(clips.outliers)),
                    held_out=list(clips.held_out.values()),
                    alpha=Alpha(info.alpha, info.alpha_origin),
                    amplitude=info.amplitude,
                    golden=self.parent.golden,
                    replay=clips,
                    provenance=provenance,
                    trained=_named(clips.normals, names),
                    kept=_named(clips.held_out, names),
                    anomalies=list(
                        zip(_named(clips.anomalies, names), clips.anomalies.values(), strict=True)
                    ),
                    healthy=partial(sounds_of, self.normals, store),
                    recorder=info.recorder
                    and info.recorder.joined_by(of.traits for of in store.facts(self.normals)),
                    unhealthy=partial(sounds_of, self.anomalies, store),
                    older=self.parent.reference,
                    crossed=_crossed(self),
                    # Of an older one that no recording and no replay set has, nothing can be told.
                    silenced={hash_: at_hand[hash_] for hash_ in silenced if hash_ in at_hand},
                )
            ],
        )

    def _fit_recordings(self, store: FeatureStore, watch: Watch) -> Recordings | None:
        """Leave out the recordings that nothing can be learnt from."""
        if self.recordings is None:
            return None
        sieve, others = Sieve(store), Sieve(store, "outliers")
        clips, given = self._cut(self.recordings.clips), self.recordings.outliers
        if given is not None:
            given = cut_outliers(given, self.recipe)
        watch.on_cut(cuts_in([*clips, *(given or ())]))
        fit = sieve.fit_to_train(clips, asked=self.machines)
        ours = fit.of(self.machine)
        new = pl.concat([self.anomalies.table, self.normals.table])
        every = Manifest(pl.concat([clips.of(self.machine).table, new]))
        theirs = others.fit_outliers(fit.without(self.machine).of(split="train"), every)
        outliers = None if given is None else others.fit_outliers(given, every)
        watch.told_of(sieve, others)
        return Recordings(Manifest(pl.concat([ours.table, theirs.table]).sort(ORDER)), outliers)

    def _cut(self, recordings: Manifest) -> Manifest:
        """Cut the machine's recordings as the parent knows them, all others by the rule."""
        known = self.parent.info.provenance.used
        as_known = Manifest.from_clips(cut_as_known(recordings, known))
        return cut_to_train(as_known, self.recipe, whole=known)


def _crossed(job: AdaptJob) -> Crossed:
    """Take what siblings of the parent said, and its own parts of the clips that it held out."""
    parent, anomalies = job.parent, set(job.anomalies.hashes())
    clips = crossed_without(parent.info, anomalies)
    if not clips:
        return Crossed((), {})
    head = Head.restored(parent.model.learnt()["head"], parent.recipe)
    still = held_out_still(parent.known, parent.info.provenance.silenced)
    held_out = [clip for clip in still if clip.hash not in anomalies]
    parts = HeldOut.of_each(averaged(head, held_out))
    return Crossed(clips, {clip.hash: of for clip, of in zip(held_out, parts, strict=True)})


def _to_learn_on(job: AdaptJob, clips: Replay) -> tuple[Source, Callable[[Placement], Start]]:
    """Choose the batches and the network to begin with.

    An encoder of its own learns on as in section IV-C. One that was trained for a fleet learns on
    in the same task as before, every machine against all others, with the anomalies as one more: to
    tell a single machine from the rest it would need less than it can hear, and forget it.
    """
    recipe, parent = job.recipe, job.parent
    if not recipe.is_shared:
        return source_of(clips, recipe, job.seed), partial(parents_network, parent)
    source = fleet_source_of(clips, recipe, job.seed)
    return source, partial(fleets_network, parent, source.groups)


def _with_new(job: AdaptJob, known: Replay, store: FeatureStore, watch: Watch) -> Replay:
    """Add the new clips to the known ones; the newest label counts."""
    anomalies = _features(job, job.anomalies, store, watch)
    normals = _features(job, job.normals, store, watch)
    healthy = _features(job, job.healthy.of(job.machine), store, watch)
    normals |= {name: of for name, of in healthy.items() if name not in anomalies}
    origin = job.parent.info.provenance
    held_back = kept_from_training(job.parent.info, list(normals), job.seed)

    learnt = alternating(_without(normals, held_back), known.normals)
    held_out = alternating(
        {name: normals[name] for name in normals if name in held_back}, known.held_out
    )
    merged = Replay(
        normals=_without(learnt, anomalies),
        held_out=_without(held_out, {*anomalies, *learnt}),
        anomalies=alternating(anomalies, _without(known.anomalies, normals)),
        outliers=_with_others(job, known.outliers, store, watch),
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
            normals=len(normals),
            held_out=len(held_back),
            were_normal=len(anomalies.keys() & {*origin.trained, *origin.held_out}),
            were_anomalies=len(normals.keys() & {*origin.anomalies}),
        )
    )
    return merged


def _with_others(
    job: AdaptJob, known: Mapping[str, ByHash], store: FeatureStore, watch: Watch
) -> dict[str, ByHash]:
    """Add the healthy sound of other machines to what is known of them."""
    others = job.healthy.without(job.machine)
    new = {
        str(other): _features(job, others.of(other), store, watch) for other in others.machines()
    }
    return {name: alternating(new.get(name, {}), known.get(name, {})) for name in {**known, **new}}


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
        "silenced": silenced_by(
            job.parent.info.provenance, job.normals.hashes(), job.anomalies.hashes()
        ),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _provenance(job: AdaptJob, known: KnownClips, clips: Replay) -> Provenance:
    told = relabelled(
        job.parent.info.provenance,
        trained=clips.normals,
        held_out=clips.held_out,
        anomalies=clips.anomalies.keys(),
        normals=job.normals.hashes(),
    )
    return told.model_copy(
        update={
            **made_here(),
            "seed": job.seed,
            "data_hash": _identity(job, known, clips),
            "outliers": known.outliers,
            "outliers_substitute": known.substitute,
            "parent": job.parent_identity,
            "fleet": (),  # the encoder learns on, and is its own from here
        }
    )


def _by_hash(clips: Manifest) -> dict[str, str]:
    return {clip.content_hash: clip.name for clip in clips}


def _names(job: AdaptJob) -> dict[str, Named]:
    """Name all clips at hand; those of the replay set by what the parent's bundle says of them."""
    recorded = [] if job.recordings is None else names_of(job.recordings.clips.of(job.machine))
    stored = [Named(hash_, name) for hash_, name in job.parent.known.names().items()]
    given = [*names_of(job.anomalies), *names_of(job.normals), *names_of(job.healthy)]
    return {clip.hash: clip for clip in [*stored, *recorded, *given]}


def _named(hashes: Iterable[str], names: Mapping[str, Named]) -> list[Named]:
    return [names.get(hash_, Named(hash_, hash_[:12])) for hash_ in hashes]
