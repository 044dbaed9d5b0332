"""Measure: train a network or fit a baseline, and take what it says of some clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from torch import nn

from rattle.baselines import fit_baseline
from rattle.bundle.known import MOST_CLIPS, WINDOWS_A_CLIP, Embeddings, Known, KnownClip, Named
from rattle.bundle.schema import CrossFitted
from rattle.detector.job import Material, Share, Start, Watch
from rattle.features.views import Rows
from rattle.learning.batches import ClipFeatures, Source
from rattle.learning.checkpoint import Interruption
from rattle.learning.device import Placement
from rattle.learning.inference import TrainedNetwork, embed, head_of
from rattle.learning.losses import CentroidPair
from rattle.learning.model import Model
from rattle.learning.train import train
from rattle.recipe import Recipe
from rattle.runtime.carry import carried
from rattle.runtime.clip_scorer import parts_of
from rattle.runtime.refit import averaged, refit
from rattle.scoring.clip import ClipParts, Embedded
from rattle.scoring.head import Head, centre_windows, evenly, nearest_of
from rattle.scoring.head_fit import fit_posterior
from rattle.scoring.windows import several_windows

# Outlier clips that the fixed scale's upper end is measured on.
SCALE_OUTLIERS = 64
# Clips of a machine by whose embeddings it is known.
KNOWN_CLIPS = MOST_CLIPS
# Clips of each outlier machine that a head is fitted to, where the encoder stays as it is.
FITTED_OUTLIERS = 32


@dataclass(frozen=True)
class Measured:
    """A machine's model, and what it says of the clips that calibration takes."""

    model: Model
    held_out: Iterable[ClipParts]
    outliers: Iterable[ClipParts]
    labelled: Iterable[tuple[ClipParts, bool]]
    silenced: Iterable[ClipParts] = ()
    known: Known = field(default_factory=Known)
    crossed: Sequence[CrossFitted] = ()


def measured(
    material: Material, placement: Placement, interruption: Interruption, watch: Watch
) -> Iterator[Measured]:
    """Make the model of each share, one after the other, and measure it."""
    if material.start is None:
        return _baseline(material, placement, interruption, watch)
    return _networks(material, material.start, placement, interruption, watch)


def _baseline(
    material: Material, placement: Placement, interruption: Interruption, watch: Watch
) -> Iterator[Measured]:
    groups = material.source.groups
    for share in material.shares:
        model = fit_baseline(
            groups[share.group],
            material.recipe,
            material.source.seed,
            placement,
            interruption,
            watch.on_step,
        )
        yield Measured(
            model,
            map(model.parts, share.held_out),
            map(model.parts, _some_of_each([groups[g] for g in share.outliers])),
            ((model.parts(clip), is_anomaly) for clip, is_anomaly in share.labelled),
        )


def _networks(
    material: Material,
    start: Callable[[Placement], Start],
    placement: Placement,
    interruption: Interruption,
    watch: Watch,
) -> Iterator[Measured]:
    recipe, source, training = material.recipe, material.source, material.training
    network, fixed = start(placement)
    pair = None
    if training is not None:
        pair = train(
            network,
            source,
            training,
            placement,
            interruption,
            watch.on_step,
            fixed=fixed,
            part=material.part,
        )
    placement.network(network).eval()
    heard = Encoded(network.encoder, source, recipe, placement)
    for share in material.shares:
        normals = heard.normals(share)
        head = head_of(network, share.head, heard.centres(share, normals, pair), recipe)
        others = heard.of_outliers(share, SCALE_OUTLIERS)
        if training is None and head.weight is not None:
            outliers = heard.of_outliers(share, FITTED_OUTLIERS * len(share.outliers))
            weight, bias = fit_posterior(_embeddings(normals), _embeddings(outliers))
            head = replace(head, weight=weight, bias=bias)
        held_out = [heard.clip(clip) for clip in share.held_out]
        known = heard.known(share, head, normals, held_out, others)
        crossed = _carried(share, head, known)
        if recipe.is_shared and (share.anomalies or share.silenced):
            # What people said counts in a head as it does where the head alone learns from it.
            fitted = refit(head, known, recipe, share.alpha.value, share.silenced, crossed)
            head, crossed = fitted.head, fitted.crossed
        model = TrainedNetwork(recipe, network.encoder, head, placement)
        yield Measured(
            model,
            (head.parts(clip.start_s, clip.z) for clip in held_out),
            (head.parts(clip.start_s, clip.z) for clip in others),
            ((model.parts(clip), is_anomaly) for clip, is_anomaly in share.labelled),
            map(model.parts, share.silenced.values()),
            known,
            crossed,
        )


def _carried(share: Share, head: Head, known: Known) -> tuple[CrossFitted, ...]:
    """Carry over what siblings of the parent said, by the clips that both hold out."""
    if share.crossed is None:
        return ()
    before = share.crossed.held_out
    common = [clip for clip in known.held_out if clip.hash in before]
    return carried(
        share.crossed.clips,
        parts_of([before[clip.hash] for clip in common]),
        averaged(head, common),
    )


@dataclass(frozen=True)
class Encoded:
    """What a trained encoder makes of the clips that it was trained on."""

    encoder: nn.Module
    source: Source
    recipe: Recipe
    placement: Placement

    def clip(self, rows: Rows) -> Embedded:
        """Embed the windows by which a clip is scored."""
        return embed(self.encoder, rows, self.recipe, self.placement)

    def of_outliers(self, share: Share, most: int) -> list[Embedded]:
        """Embed some of a share's outliers, evenly over their groups, so that none counts alone."""
        each = -(-most // len(share.outliers))
        return [clip for group in share.outliers for clip in self._sample(group, each)]

    def normals(self, share: Share) -> list[Embedded]:
        """Embed the clips by which a machine is known, as many as ``_known`` says.

        In more windows than are scored where the nearest of them counts.
        """
        if not self.recipe.measures_nearest:
            return self._sample(share.group, KNOWN_CLIPS)
        clips = [self.source.groups[share.group][clip] for clip in self._known(share.group)]
        count = centre_windows(len(clips), self.recipe)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return [
                embed(
                    self.encoder,
                    clip,
                    self.recipe,
                    self.placement,
                    several_windows(len(clip), self.recipe, count),
                )
                for clip in clips
            ]

    def centres(
        self, share: Share, normals: Sequence[Embedded], pair: CentroidPair | None
    ) -> NDArray[np.float32] | None:
        """Choose what d is measured from ``[K, D]``; None for BCE alone.

        Training normals of which the nearest counts, c_p of the trained ``pair``, or for a head
        that was not trained the normals' mean.
        """
        if self.recipe.measures_nearest:
            return nearest_of(_embeddings(normals))
        if pair is not None:
            return np.array(pair.normal[share.head : share.head + 1].detach().cpu().numpy())
        if self.recipe.has_distance:
            mean = _embeddings(normals).mean(axis=0, keepdims=True)
            return np.asarray(mean, dtype=np.float32)
        return None

    def known(
        self,
        share: Share,
        head: Head,
        normals: Sequence[Embedded],
        held_out: Sequence[Embedded],
        outliers: Sequence[Embedded],
    ) -> Known:
        """Put together what a bundle keeps of the clips that its head was fitted to."""
        trained = [share.trained[clip] for clip in self._known(share.group)]
        return Known(
            normals=_known_clips(trained, normals),
            held_out=_known_clips(share.kept, held_out),
            anomalies=_known_clips(
                [name for name, _ in share.anomalies],
                [self.clip(rows) for _, rows in share.anomalies],
            ),
            outliers=np.concatenate(
                [clip.z[evenly(len(clip.z), WINDOWS_A_CLIP)] for clip in outliers]
            ),
            start={name: of for name, of in head.arrays().items() if name != "centres"},
        ).bounded()

    def _sample(self, group: int, most: int) -> list[Embedded]:
        """Embed some clips of a group, the same ones for whoever asks, so that few are embedded."""
        clips = self._known(group)
        with self.placement.sparing_a_core(self.recipe.sees_spectrum):
            return [self._embedded(group, clips[place]) for place in evenly(len(clips), most)]

    def _known(self, group: int) -> list[int]:
        return evenly(len(self.source.groups[group]), KNOWN_CLIPS)

    @cached_property
    def _embedded(self) -> Callable[[int, int], Embedded]:
        # Of a fleet each clip is asked for by many machines.
        return cache(lambda group, clip: self.clip(self.source.groups[group][clip]))


def _embeddings(clips: Iterable[Embedded]) -> Embeddings:
    return np.concatenate([clip.z for clip in clips])


def _known_clips(names: Sequence[Named], clips: Sequence[Embedded]) -> tuple[KnownClip, ...]:
    pairs = zip(names, clips, strict=True)
    return tuple(KnownClip(name, clip.z).shortened() for name, clip in pairs)


def _some_of_each(groups: Sequence[ClipFeatures]) -> Iterator[Rows]:
    # Evenly over the outlier machines, so that none sets the scale alone.
    count = -(-SCALE_OUTLIERS // len(groups))
    return (clips[i] for clips in groups for i in range(min(count, len(clips))))
