"""Prepare what the detectors of a fleet learn from: one encoder, and a head for each machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rattle.bundle.schema import BundleInfo, Provenance
from rattle.clips.amplitude import Amplitude
from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.cutting import cuts_in
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.detector.calibrate import Alpha
from rattle.detector.finish import made_here
from rattle.detector.job import Material, Recordings, Share, Watch
from rattle.detector.preparing import (
    DEFAULT_ALPHA,
    Featured,
    golden,
    labelled_clips_of,
    labelled_features,
    names_of,
    new_network,
    recorder_of,
    replay_of,
    sounds_of,
)
from rattle.errors import DataError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore, Pack
from rattle.features.views import views
from rattle.learning.batches import ClipFeatures, Clips, crops
from rattle.learning.data import Split, able, split_normals, training_normals
from rattle.learning.detuned import line_spread, speeds
from rattle.learning.fleet import FleetSource
from rattle.learning.outliers import OutlierPool, named
from rattle.learning.pretrained import file_hash
from rattle.recipe import Recipe
from rattle.version import VERSION

# Normals whose lines tell how far the machine's speed wanders.
SPREAD_CLIPS = 64
# A detuned copy is drawn half as often as the machine.
COPY_WEIGHT = 0.5


@dataclass(frozen=True)
class FleetJob:
    """Detectors of ``machines`` to train, with all other machines of ``clips``; a ``Job``.

    ``outliers`` are further recordings that are outliers to every machine. ``validation`` holds
    labelled clips to choose alpha by, ``init`` pre-trained weights to start the encoder from.
    ``share`` of the normals is held out (``split_normals``).
    """

    clips: Manifest
    machines: tuple[Machine, ...]
    asked: Recipe
    seed: int = 0
    outliers: Manifest | None = None
    validation: Manifest | None = None
    init: Path | None = None
    device: str = "auto"
    share: int = 0
    work: ClassVar[Literal["train"]] = "train"
    told_by: ClassVar[str] = "recipe, method or seed"

    @property
    def sources(self) -> Recordings:
        """See ``Job``."""
        return Recordings(self.clips, self.outliers)

    @cached_property
    def recipe(self) -> Recipe:
        """See ``Job``: what was asked for, with the numbers that follow from the clips."""
        rate = self.asked.audio.sample_rate_hz
        hop_s = self.asked.features.hop_samples / rate
        frames = []
        for machine in self._cut.machines():
            table = self._cut.of(machine, split="train", label="normal").table
            seconds = (table["frames"] / table["sample_rate_hz"]).to_list()
            frames.append([1 + int(length / hop_s) for length in seconds])
        return self.asked.for_clips(frames)

    @cached_property
    def _cut(self) -> Manifest:
        """The clips, of long recordings of healthy sound their excerpts."""
        return cut_to_train(self.clips, self.asked)

    @property
    def steps(self) -> int:
        """See ``Job``."""
        return self.recipe.training.iterations

    @cached_property
    def _pretrained(self) -> str | None:
        """The hash of the weights to start from, the same in every bundle."""
        return None if self.init is None else file_hash(self.init)

    @property
    def siblings(self) -> list[FleetJob]:
        """See ``Job``; a sibling has none itself."""
        shares = () if self.share else self.recipe.training.siblings
        return [replace(self, share=share, validation=None) for share in shares]

    def gives(self, made: BundleInfo) -> bool:
        """See ``Job``: a run that is finished stays as it is, whatever data it is asked for.

        So the numbers that follow from the clips do not count.
        """
        asked, origin = self.asked, made.provenance
        recipe = made.recipe.with_values(
            features={"window_frames": asked.features.window_frames},
            training={"iterations": asked.training.iterations, "clips": asked.training.clips},
        )
        return (recipe, origin.seed, origin.parent) == (asked, self.seed, None)

    def material(self, watch: Watch) -> Material:
        """Split every machine's normals, compute the features of all."""
        for machine in self.machines:
            self.clips.require(machine)
        recipe, store = self.recipe, FeatureStore.of(self.recipe)
        sieve, others, outliers = Sieve(store), Sieve(store, "outliers"), self.outliers
        if outliers is not None:
            outliers = cut_outliers(outliers, self.asked)
        watch.on_cut(cuts_in([*self._cut, *(outliers or ())]))
        clips = sieve.fit_to_train(self._cut, asked=self.machines)
        if outliers is not None:
            # Not the machines' own: what is held out of one, and what tests it, stays unheard.
            outliers = others.fit_outliers(outliers, self._cut)
        validation = {m: labelled_clips_of(self.validation, m, sieve) for m in self.machines}
        watch.told_of(sieve, others)
        with sieve.explaining():
            members = self._members(clips, store, watch)
        pool = self._pool(clips, outliers, members)
        watch.on_pool(pool)
        groups: dict[str, Featured] = {str(m.machine): (m.trained, m.features) for m in members}
        for machine in pool.clips.machines():
            own = pool.clips.of(machine)
            features = store.pack(own, store.amplitude(own), watch.on_clip)
            groups[str(machine)] = (own, features)
        machines = len(groups)
        owners = list(map(Machine.parse, groups))
        # Copies make up for machines that there are too few of, of those that tell one apart.
        strangers = _fewest_strangers([member.machine for member in members], owners)
        for member in members:
            copies = self._copies(member, 1 + strangers, store, watch)
            groups |= copies
            owners += [member.machine] * len(copies)
        apart = _namesakes(owners)
        identity = _identity(recipe, self.seed, [clips for clips, _ in groups.values()])

        def share(number: int, member: _Member) -> Share:
            own = str(member.machine)
            held_out = (member.held_out, member.held_out_features)
            # Copies are made again; alone with them, a replay set has nothing else to hold.
            names = list(groups)
            outliers = [g for g in range(len(groups)) if g != number and not apart[number, g]]
            kept = [g for g in outliers if g < machines] or outliers
            others = {names[g]: groups[names[g]] for g in kept}
            labelled = validation[member.machine]
            return Share(
                machine=member.machine,
                head=number,
                group=number,
                outliers=outliers,
                held_out=member.held_out_features,
                alpha=Alpha(recipe.scoring.alpha, DEFAULT_ALPHA),
                amplitude=member.amplitude,
                golden=golden(member.held_out, store),
                replay=replay_of(
                    groups[own],
                    held_out,
                    others,
                    seed=self.seed,
                    clips=recipe.adaptation.replay_clips,
                ),
                provenance=self._provenance(member, pool, list(groups)[:machines], identity),
                trained=names_of(member.trained),
                kept=names_of(member.held_out),
                healthy=partial(sounds_of, member.split.normals, store),
                recorder=recorder_of(member.split.normals, store),
                labelled=labelled_features(labelled, member.amplitude, store),
            )

        wanted = set(self.machines)
        return Material(
            source=self._source([features for _, features in groups.values()], machines, apart),
            recipe=recipe,
            training=recipe,
            start=partial(new_network, recipe, len(groups), self.seed, self.init, watch),
            identity=identity,
            shares=[
                share(number, member)
                for number, member in enumerate(members)
                if member.machine in wanted
            ],
        )

    def _members(self, clips: Manifest, store: FeatureStore, watch: Watch) -> list[_Member]:
        """Take every machine with normals enough; those asked for must be among them."""
        for machine in self.machines:
            training_normals(clips, machine, self.recipe)
        members = []
        for machine in able(clips, self.recipe):
            split = split_normals(clips, machine, self.recipe, seed=self.seed, share=self.share)
            try:
                amplitude = store.amplitude(split.normals)
            except DataError as error:
                raise DataError(f"machine {machine}: {error}", argument=error.arguments) from None
            pack = store.pack(split.normals, amplitude, watch.on_clip)
            members.append(_Member(machine, split, amplitude, pack))
        return members

    def _pool(
        self, clips: Manifest, outliers: Manifest | None, members: Sequence[_Member]
    ) -> OutlierPool:
        """Take what no detector is made of: machines with few clips, and outliers given.

        It says what the outliers of every machine are.
        """
        machines = [member.machine for member in members]
        few = [m for m in clips.machines() if m not in machines]
        parts = [clips.of(m, split="train", label="normal") for m in few]
        if outliers is not None:
            parts.append(outliers)
        clips = Manifest.from_clips(clip for part in parts for clip in part)
        every = [*machines, *clips.machines()]
        strangers = _fewest_strangers(machines, every)
        if not strangers:
            return OutlierPool(
                clips,
                "COPIES of the machine's own clips, played faster and slower: no other machine "
                "was at hand; give real sound as outliers, or more machines",
                substitute=True,
            )
        copies = ", and copies played faster and slower" if speeds(1 + strangers, 0.0) else ""
        apart = ", but for the same machine in another set" if _namesakes(every).any() else ""
        return OutlierPool(clips, f"each machine's are the others of {named(every)}{apart}{copies}")

    def _copies(
        self, member: _Member, machines: int, store: FeatureStore, watch: Watch
    ) -> dict[str, Featured]:
        """Compute the features of a machine's detuned copies, as many as so few machines need."""
        if not speeds(machines, 0.0):
            return {}
        clips, spread = member.features, 0.0
        if self.recipe.sees_spectrum:
            bands, window = self.recipe.features.mel_bands, self.recipe.features.window_frames
            chosen = [clips[i] for i in range(min(len(clips), SPREAD_CLIPS))]
            _, spectra = views(crops(chosen, window, None), bands, window)
            spread = line_spread(list(spectra), store.audio.sample_rate_hz)

        def copies(speed: float) -> ClipFeatures:
            # Of those held out too: siblings then find the same pack.
            normals = member.split.normals
            pack = store.pack(normals, member.amplitude, watch.on_clip, speed=speed)
            return Clips(pack, member.split.trained)

        return {
            f"{member.machine} at {speed:.3f} of its speed": (member.trained, copies(speed))
            for speed in speeds(machines, spread)
        }

    def _source(
        self, groups: Sequence[ClipFeatures], machines: int, apart: NDArray[np.bool_]
    ) -> FleetSource:
        training, features = self.recipe.training, self.recipe.features
        return FleetSource(
            groups=groups,
            weights=[1.0] * machines + [COPY_WEIGHT] * (len(groups) - machines),
            windows_per_batch=training.normals_per_batch + training.outliers_per_batch,
            window_frames=features.window_frames,
            bands=features.mel_bands,
            mixup=training.mixup,
            seed=self.seed,
            namesakes=apart if apart.any() else None,
        )

    def _provenance(
        self, member: _Member, pool: OutlierPool, fleet: Sequence[str], identity: str
    ) -> Provenance:
        used = () if self.validation is None else self.validation.of(member.machine).hashes()
        return Provenance(
            **made_here(),
            seed=self.seed,
            data_hash=identity,
            trained=tuple(member.trained.hashes()),
            held_out=tuple(member.held_out.hashes()),
            validation=tuple(used),
            outliers=pool.origin,
            outliers_substitute=pool.substitute,
            pretrained=self._pretrained,
            fleet=tuple(fleet),
        )


@dataclass(frozen=True)
class _Member:
    """A machine with a head: its normals, their statistics and features."""

    machine: Machine
    split: Split
    amplitude: Amplitude
    pack: Pack

    @property
    def features(self) -> Clips:
        """Of the normals that it is trained on."""
        return Clips(self.pack, self.split.trained)

    @property
    def held_out_features(self) -> Clips:
        """Features of the normals held out."""
        return Clips(self.pack, self.split.held_out)

    @property
    def trained(self) -> Manifest:
        return self.split.part(self.split.trained)

    @property
    def held_out(self) -> Manifest:
        return self.split.part(self.split.held_out)


def _fewest_strangers(machines: Sequence[Machine], every: Sequence[Machine]) -> int:
    """Count the other machines that each has for outliers at the least."""
    return min(sum(not one.is_namesake(other) for other in every) for one in machines)


def _namesakes(owners: Sequence[Machine]) -> NDArray[np.bool_]:
    """Tell which groups are of one machine in several sets, perhaps: ``[groups, groups]``."""
    return np.array(
        [[one != other and one.is_namesake(other) for other in owners] for one in owners]
    )


def _identity(recipe: Recipe, seed: int, groups: Sequence[Manifest]) -> str:
    text = json.dumps([VERSION, recipe.to_toml(), seed, [clips.hashes() for clips in groups]])
    return hashlib.sha256(text.encode()).hexdigest()
