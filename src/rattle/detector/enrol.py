"""Enrol: give a further machine a head on an encoder that other machines were trained with.

The encoder stays as it is, so this takes seconds. What it can hear it learnt from the other
machines; where the new one sounds like none of them, a training with it hears more.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

from rattle.bundle.replay import Replay, Rows
from rattle.bundle.schema import BundleInfo, Provenance
from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.cutting import cuts_in
from rattle.clips.excerpt import recording_of
from rattle.clips.layouts import load_manifest, load_outliers
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector.by_hash import by_hash, shuffled
from rattle.detector.calibrate import Alpha
from rattle.detector.detector import Detector
from rattle.detector.finish import made_here, make
from rattle.detector.job import Material, Recordings, Share, Watch
from rattle.detector.measure import FITTED_OUTLIERS
from rattle.detector.preparing import (
    DEFAULT_ALPHA,
    golden,
    names_of,
    parents_network,
    recorder_of,
    sounds_of,
    source_of,
)
from rattle.errors import DataError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.learning.batches import Clips
from rattle.learning.data import split_normals
from rattle.learning.outliers import OutlierPool, named
from rattle.randomness import REPLAY, stream
from rattle.recipe import Recipe
from rattle.version import VERSION


def enrol(
    detector: Detector,
    data: str | Path | Manifest,
    machine: str | Machine,
    *,
    outliers: str | Path | Manifest | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Detector:
    """Make a detector of a further machine with the encoder of another machine's ``detector``.

    ``data`` holds the machine's normal clips; other machines in it, ``outliers`` and what the
    detector's replay set keeps are its outliers. Raises ``DataError`` where there are too few
    normal clips and where the detector has no encoder.
    """
    if not (outliers is None or isinstance(outliers, Manifest)):
        outliers = load_outliers(Path(outliers))
    job = EnrolJob(
        parent=detector,
        clips=data if isinstance(data, Manifest) else load_manifest(Path(data)),
        machine=machine if isinstance(machine, Machine) else Machine.parse(machine),
        outliers=outliers,
        seed=seed,
        device=device,
    )
    (enrolled,) = make(job)
    return enrolled


@dataclass(frozen=True)
class EnrolJob:
    """One machine to enrol; a ``Job``. ``parent`` is the detector whose encoder it takes.

    ``share`` of the normals is held out (``split_normals``).
    """

    parent: Detector
    clips: Manifest
    machine: Machine
    outliers: Manifest | None = None
    seed: int = 0
    device: str = "auto"
    share: int = 0
    work: ClassVar[Literal["enrol"]] = "enrol"
    told_by: ClassVar[str] = "parent bundle or seed"
    steps: ClassVar[int] = 1

    @property
    def machines(self) -> tuple[Machine]:
        """See ``Job``: the one."""
        return (self.machine,)

    @property
    def recipe(self) -> Recipe:
        """See ``Job``: the encoder's."""
        return self.parent.recipe

    @property
    def sources(self) -> Recordings:
        """See ``Job``."""
        return Recordings(self.clips, self.outliers)

    @cached_property
    def parent_identity(self) -> str:
        """The hash of the parent's content."""
        return self.parent.bundle().identity

    @property
    def siblings(self) -> list[EnrolJob]:
        """See ``Job``: heads alone, since the encoder has learnt from none of the clips."""
        shares = () if self.share else self.recipe.training.siblings
        return [replace(self, share=share) for share in shares]

    def gives(self, made: BundleInfo) -> bool:
        """See ``Job``."""
        return (made.provenance.parent, made.provenance.seed) == (self.parent_identity, self.seed)

    def material(self, watch: Watch) -> Material:
        """Split the machine's normals, gather what there is of other machines."""
        recipe = self.recipe
        self.clips.require(self.machine)
        if recipe.baseline is not None:
            raise DataError(
                f"the bundle is a baseline ({recipe.method}), which has no encoder; give one of a "
                "network"
            )
        if str(self.machine) in self.parent.info.provenance.fleet:
            raise DataError(
                f"{self.machine} is one of the machines that this encoder was trained with: its "
                "threshold would be fitted to clips that the encoder knows; train the fleet again"
            )
        store = FeatureStore.of(recipe)
        self._refuse_known_sound()
        sieve, opposed = Sieve(store), Sieve(store, "outliers")
        watch.on_cut(cuts_in([*self._cut.of(self.machine), *self._recorded]))
        clips = sieve.fit_to_train(self._cut, self.machine)
        with opposed.explaining():
            outliers = self._outliers(store, opposed, watch)
        watch.told_of(sieve, opposed)
        with sieve.explaining():
            split = split_normals(clips, self.machine, recipe, seed=self.seed, share=self.share)
        amplitude = store.amplitude(split.normals)
        pack = store.pack(split.normals, amplitude, watch.on_clip)
        trained, held_out = split.part(split.trained), split.part(split.held_out)
        others = [Machine.parse(name) for name in outliers]
        origin = f"normal clips of {named(others)}"
        watch.on_pool(OutlierPool(self._recorded, origin))
        known = Replay(
            normals=shuffled(by_hash(trained, Clips(pack, split.trained)), self.seed),
            held_out=shuffled(by_hash(held_out, Clips(pack, split.held_out)), self.seed),
            outliers=outliers,
        )
        provenance = self._provenance(known, origin)
        names = {clip.hash: clip for clip in names_of(split.normals)}
        return Material(
            source=source_of(known, recipe, self.seed),
            recipe=recipe,
            training=None,
            start=partial(parents_network, self.parent),
            identity=provenance.data_hash,
            shares=[
                Share(
                    machine=self.machine,
                    head=0,
                    group=0,
                    outliers=range(1, 1 + len(outliers)),
                    held_out=list(known.held_out.values()),
                    alpha=Alpha(recipe.scoring.alpha, DEFAULT_ALPHA),
                    amplitude=amplitude,
                    golden=golden(held_out, store),
                    replay=known,
                    provenance=provenance,
                    trained=[names[clip] for clip in known.normals],
                    kept=[names[clip] for clip in known.held_out],
                    healthy=partial(sounds_of, split.normals, store),
                    recorder=recorder_of(split.normals, store),
                    graph=self.parent.graph,
                )
            ],
        )

    def _refuse_known_sound(self) -> None:
        """Raise where its normals are sound that the encoder knows as another machine's."""
        origin, replay = self.parent.info.provenance, self.parent.replay
        known = (*origin.trained, *origin.held_out)
        theirs = dict.fromkeys(map(recording_of, known), str(self.parent.machine))
        for machine, stored in replay.outliers.items():
            if machine != str(self.machine):
                theirs |= dict.fromkeys(map(recording_of, stored), machine)
        normals = self.clips.of(self.machine, split="train", label="normal")
        same = [clip for clip in normals.called_as(theirs) if clip.content_hash in theirs]
        if same:
            raise DataError(
                f"{len(same)} of the {len(normals)} normal clips of {self.machine}, such as "
                f"{same[0].path}, are the same sound as clips of {theirs[same[0].content_hash]}, "
                "which this encoder was trained with: it cannot tell a machine from itself; give "
                "the new machine's own recordings, without these"
            )

    @cached_property
    def _cut(self) -> Manifest:
        """The clips, of long recordings of healthy sound their excerpts."""
        return cut_to_train(self.clips, self.recipe)

    @cached_property
    def _recorded(self) -> Manifest:
        """The recordings of other machines: those given, or the normals beside this machine's."""
        if self.outliers is not None:
            return cut_outliers(self.outliers, self.recipe).strangers_to(self.machine)
        return self._cut.of(split="train", label="normal").strangers_to(self.machine)

    def _outliers(
        self, store: FeatureStore, sieve: Sieve, watch: Watch
    ) -> dict[str, dict[str, Rows]]:
        """Gather other machines' normals: recorded ones, and what the parent's replay set keeps."""
        stored = self.parent.replay
        replayed = {**stored.outliers, str(self.parent.machine): stored.normals}
        outliers = {
            name: dict(clips)
            for name, clips in replayed.items()
            if clips and name != str(self.machine)
        }
        for machine in self._recorded.machines():
            some = _sample(self._recorded.of(machine), self.seed)
            clips = sieve.fit_outliers(some, self._cut.of(self.machine))
            if not len(clips):
                continue
            features = store.pack(clips, store.amplitude(clips), watch.on_clip)
            outliers[str(machine)] = shuffled(by_hash(clips, features), self.seed)
        if not outliers:
            raise DataError(
                f"there is no sound of another machine than {self.machine}: the recordings hold "
                "none, and the bundle no replay set; give recordings as outliers",
                argument="outliers",
            )
        return outliers

    def _provenance(self, known: Replay, origin: str) -> Provenance:
        outliers = {machine: list(clips) for machine, clips in known.outliers.items()}
        contents = [list(known.normals), list(known.held_out), outliers]
        parts = [VERSION, self.parent_identity, self.seed, *contents]
        return Provenance(
            **made_here(),
            seed=self.seed,
            data_hash=hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
            trained=tuple(known.normals),
            held_out=tuple(known.held_out),
            outliers=origin,
            outliers_substitute=False,
            parent=self.parent_identity,
            fleet=self.parent.info.provenance.fleet or (str(self.parent.machine),),
        )


def _sample(clips: Manifest, seed: int) -> Manifest:
    """Take as many of a machine's clips as a head is fitted to: it is to take seconds."""
    order = stream(seed, REPLAY).permutation(len(clips))[:FITTED_OUTLIERS]
    return Manifest(clips.table[sorted(int(i) for i in order)])
